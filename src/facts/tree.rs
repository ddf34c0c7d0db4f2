//! Where artifacts lie: their paths have `/` between the folders, and nothing in front of the topmost.

/// The folder that a file lies in, or a folder; empty at the top.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// How the paths of all that lies beside a file begin: its folder and the separator behind that.
pub fn beside(path: &str) -> &str {
    path.get(..path.rfind('/').map_or(0, |at| at + 1)).unwrap_or_default()
}

/// The folder that a file lies in and all folders above, the nearest first; the last is the empty one at the top.
pub fn folders(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder_of(path)), |folder| (!folder.is_empty()).then(|| folder_of(folder)))
}

/// The last name in a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_the_top() {
        assert_eq!(folders("a/b/c.txt").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(folders("/srv/c.txt").collect::<Vec<_>>(), ["/srv", ""]);
        assert_eq!(folders("c.txt").collect::<Vec<_>>(), [""]);
        assert_eq!([beside("a/b/c.txt"), beside("c.txt")], ["a/b/", ""]);
        assert_eq!([file_name("a/b/c.txt"), file_name("c.txt"), file_name("a/")], ["c.txt", "c.txt", ""]);
    }
}
