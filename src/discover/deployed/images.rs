//! Images of containers, by their names.

/// Does the name of an image say that it is one of Windows?
pub fn is_windows_image(name: &str) -> bool {
    let name = name.to_lowercase();
    ["windows", "nanoserver", "servercore", "dotnet/framework"].iter().any(|w| name.contains(w))
}
