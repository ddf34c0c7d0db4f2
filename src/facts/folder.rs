//! Folders with a meaning: one table for the environment variables, CSIDLs, known-folder ids and .NET special folders
//! that name them.
//!
//! Sources: `shlobj.h` (CSIDL values), `knownfolders.h` (GUIDs), `System.Environment.SpecialFolder` (same numbers as
//! CSIDL), and the recognised environment variables of the User State Migration Tool.

use super::place::Place;

macro_rules! folders {
    ($($(#[doc = $doc:literal])* $variant:ident, $name:literal, $place:ident, env[$($env:literal),*], csidl[$($csidl:literal),*], guid[$($guid:literal),*];)*) => {
        /// A folder that Windows, .NET or the platform gives a name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Folder { $($(#[doc = $doc])* $variant,)* }

        /// One row of the folder table.
        struct Row {
            folder: Folder,
            name: &'static str,
            place: Place,
            env: &'static [&'static str],
            csidl: &'static [u32],
            guid: &'static [&'static str],
        }

        const TABLE: &[Row] = &[$(Row {
            folder: Folder::$variant, name: $name, place: Place::$place,
            env: &[$($env),*], csidl: &[$($csidl),*], guid: &[$($guid),*],
        },)*];
    };
}

folders! {
    /// `%APPDATA%`, the roaming profile.
    AppData, "AppData", UserProfile, env["APPDATA"], csidl[0x1a], guid["3EB685DB-65F9-4CF6-A03A-E3EF65729F3D"];
    /// `%LOCALAPPDATA%`.
    LocalAppData, "LocalAppData", UserProfile, env["LOCALAPPDATA"], csidl[0x1c], guid["F1B32785-6FBA-4FCF-9D55-7B8E7F157091"];
    /// The low-integrity application data folder.
    LocalLow, "LocalAppDataLow", UserProfile, env[], csidl[], guid["A520A1A4-1780-4FF6-BD18-167343C5AF16"];
    /// `%ProgramData%`, all users' application data.
    ProgramData, "ProgramData", ProgramData, env["PROGRAMDATA", "ALLUSERSPROFILE"], csidl[0x23], guid["62AB5D82-FDC1-4DC3-A9DD-070D1D495D97"];
    /// `%USERPROFILE%`.
    UserProfile, "UserProfile", UserProfile, env["USERPROFILE"], csidl[0x28], guid["5E6C858F-0E22-4760-9AFE-EA3317B67173"];
    /// My Documents.
    Documents, "Documents", UserProfile, env[], csidl[0x05], guid["FDD39AD0-238F-46AF-ADB4-6C85480369C7"];
    /// The desktop of the user.
    Desktop, "Desktop", UserProfile, env[], csidl[0x00, 0x10], guid["B4BFCC3A-DB2C-424C-B029-7FE99A87C641"];
    /// Pictures of the user.
    Pictures, "Pictures", UserProfile, env[], csidl[0x27], guid["33E28130-4E1E-4676-835A-98395C3BC3BB"];
    /// Music of the user.
    Music, "Music", UserProfile, env[], csidl[0x0d], guid["4BD8D571-6D19-48D3-BE97-422220080E43"];
    /// Videos of the user.
    Videos, "Videos", UserProfile, env[], csidl[0x0e], guid["18989B1D-99B5-455B-841C-AB7C74E4DDFC"];
    /// Downloads of the user.
    Downloads, "Downloads", UserProfile, env[], csidl[], guid["374DE290-123F-4565-9164-39C4925E467B"];
    /// Favorites of the user.
    Favorites, "Favorites", UserProfile, env[], csidl[0x06], guid["1777F761-68AD-4D8A-87BD-30B759FA33DD"];
    /// The start menu of the user.
    StartMenu, "StartMenu", UserProfile, env[], csidl[0x0b], guid["625B53C3-AB48-4EC1-BA1F-A1EF4146FC19"];
    /// Programs in the start menu of the user.
    Programs, "Programs", UserProfile, env[], csidl[0x02], guid["A77F5D77-2E2B-44C3-A6A2-ABA601054A51"];
    /// The startup group of the user.
    Startup, "Startup", UserProfile, env[], csidl[0x07], guid["B97D20BB-F46A-4C97-BA10-5E3608430854"];
    /// Recent documents.
    Recent, "Recent", UserProfile, env[], csidl[0x08], guid["AE50C081-EBD2-438A-8655-8A092E34987A"];
    /// SendTo.
    SendTo, "SendTo", UserProfile, env[], csidl[0x09], guid["8983036C-27C0-404B-8F08-102D10DCFD74"];
    /// Templates.
    Templates, "Templates", UserProfile, env[], csidl[0x15], guid["A63293E8-664E-48DB-A079-DF759E0509F7"];
    /// The browser cache.
    InternetCache, "InternetCache", UserProfile, env[], csidl[0x20], guid["352481E8-33BE-4251-BA85-6007CAEDCF9D"];
    /// The start menu of all users.
    CommonStartMenu, "CommonStartMenu", ProgramData, env[], csidl[0x16], guid["A4115719-D62E-491D-AA7C-E74B8BE3B067"];
    /// Programs in the start menu of all users.
    CommonPrograms, "CommonPrograms", ProgramData, env[], csidl[0x17], guid["0139D44E-6AFE-49F2-8690-3DAFCAE6FFB8"];
    /// The startup group of all users.
    CommonStartup, "CommonStartup", ProgramData, env[], csidl[0x18], guid["82A5EA35-D9CD-47C5-9629-E15D2F714E6E"];
    /// The desktop of all users.
    CommonDesktop, "CommonDesktop", ProgramData, env[], csidl[0x19], guid["C4AA340D-F20F-4863-AFEF-F87EF2E6BA25"];
    /// Documents of all users.
    CommonDocuments, "CommonDocuments", ProgramData, env[], csidl[0x2e], guid["ED4824AF-DCE4-45A8-81E2-FC7965083634"];
    /// `%PUBLIC%`.
    Public, "Public", ProgramData, env["PUBLIC"], csidl[], guid["DFDF76A2-C82A-4D63-906A-5644AC457385"];
    /// `%SystemRoot%`.
    Windows, "Windows", Windows, env["SYSTEMROOT", "WINDIR"], csidl[0x24], guid["F38BF404-1D43-42F2-9305-67DE0B28FC23"];
    /// `%SystemRoot%\System32`.
    System, "System", Windows, env[], csidl[0x25], guid["1AC14E77-02E7-4E5D-B744-2EB1AE5198B7"];
    /// `%SystemRoot%\SysWOW64`.
    SystemX86, "SystemX86", Windows, env[], csidl[0x29], guid["D65231B0-B2F1-4857-A4CE-A8E7C6EA7D27"];
    /// Fonts.
    Fonts, "Fonts", Windows, env[], csidl[0x14], guid["FD228CB7-AE11-4AE3-864C-16F3910AB8FE"];
    /// `%ProgramFiles%`.
    ProgramFiles, "ProgramFiles", ProgramFiles, env["PROGRAMFILES", "PROGRAMW6432"], csidl[0x26], guid["905E63B6-C1BF-494E-B29C-65B732D3D21A", "6D809377-6AF0-444B-8957-A3773F02200E"];
    /// `%ProgramFiles(x86)%`.
    ProgramFilesX86, "ProgramFilesX86", ProgramFiles, env["PROGRAMFILES(X86)"], csidl[0x2a], guid["7C5A40EF-A0FB-4BFC-874A-C0F2E0B9FA8E"];
    /// `%CommonProgramFiles%`.
    CommonFiles, "CommonFiles", ProgramFiles, env["COMMONPROGRAMFILES", "COMMONPROGRAMW6432"], csidl[0x2b], guid["F7F1ED05-9F6D-47A2-AAAE-29D317C6F066"];
    /// `%CommonProgramFiles(x86)%`.
    CommonFilesX86, "CommonFilesX86", ProgramFiles, env["COMMONPROGRAMFILES(X86)"], csidl[0x2c], guid["DE974D24-D9C6-4D3E-BF91-F4455120B917"];
    /// `%TEMP%`, of whoever runs.
    Temp, "Temp", Temp, env["TEMP", "TMP"], csidl[], guid[];
    /// `%SystemDrive%`.
    SystemDrive, "SystemDrive", OsRoot, env["SYSTEMDRIVE", "HOMEDRIVE"], csidl[], guid[];
    /// The folder of the program's own files.
    AppDir, "AppDir", AppDir, env[], csidl[], guid[];
    /// The current directory, where nothing better is known.
    Cwd, "Cwd", AppDir, env["CD"], csidl[], guid[];
    /// `~/` of a web application.
    WebRoot, "WebRoot", AppDir, env[], csidl[], guid[];
    /// `|DataDirectory|`: App_Data of a web application, otherwise the program's folder.
    DataDirectory, "DataDirectory", AppData, env[], csidl[], guid[];
    /// `%RoleRoot%` of a cloud service role.
    RoleRoot, "RoleRoot", AppDir, env["ROLEROOT"], csidl[], guid[];
    /// `%HOME%` of App Service; elsewhere the profile.
    Home, "Home", Home, env["HOME"], csidl[], guid[];
    /// Isolated storage of the user.
    IsolatedStorage, "IsolatedStorage", IsolatedStorage, env[], csidl[], guid[];
    /// Temporary ASP.NET Files.
    AspNetTemp, "AspNetTemp", AspnetTemp, env[], csidl[], guid[];
    /// `inetpub`.
    Inetpub, "Inetpub", AppDir, env[], csidl[], guid[];
    /// IIS log files.
    IisLogs, "IisLogs", IisLogs, env[], csidl[], guid[];
    /// A file that the user chose, on whatever volume.
    UserChosen, "UserChosen", Unknown, env[], csidl[], guid[];
}

impl Folder {
    fn row(self) -> &'static Row {
        // The table is written in the order of the variants, which the test below keeps.
        &TABLE[self as usize]
    }

    /// The name in the textual form, without braces.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The kind of place this folder is.
    pub fn place(self) -> Place {
        self.row().place
    }

    /// By its name in the textual form, exactly as written.
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|r| r.name == name).map(|r| r.folder)
    }

    /// By the environment variable that holds it, in any case, without percent signs.
    pub fn by_env(variable: &str) -> Option<Self> {
        TABLE.iter().find(|r| r.env.iter().any(|e| e.eq_ignore_ascii_case(variable))).map(|r| r.folder)
    }

    /// By CSIDL or `Environment.SpecialFolder`; flag bits such as `CSIDL_FLAG_CREATE` (0x8000) are ignored.
    pub fn by_csidl(csidl: u32) -> Option<Self> {
        TABLE.iter().find(|r| r.csidl.contains(&(csidl & 0xff))).map(|r| r.folder)
    }

    /// By KNOWNFOLDERID, with or without braces, in any case.
    pub fn by_known_folder_id(guid: &str) -> Option<Self> {
        let guid = guid.trim_matches(['{', '}']);
        TABLE.iter().find(|r| r.guid.iter().any(|g| g.eq_ignore_ascii_case(guid))).map(|r| r.folder)
    }

    /// By KNOWNFOLDERID as it lies in memory: a little-endian `GUID` structure.
    pub fn by_guid_bytes(b: &[u8; 16]) -> Option<Self> {
        Self::by_known_folder_id(&format!(
            "{:02X}{:02X}{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}-{:02X}{:02X}{:02X}{:02X}{:02X}{:02X}",
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_variant_order_and_names_are_unique() {
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!(row.folder as usize, i);
            assert_eq!(Folder::by_name(row.name), Some(row.folder));
        }
    }

    #[test]
    fn aliases_meet() {
        assert_eq!(Folder::by_env("AppData"), Some(Folder::AppData));
        assert_eq!(Folder::by_csidl(0x8023), Some(Folder::ProgramData));
        assert_eq!(Folder::by_known_folder_id("{62ab5d82-fdc1-4dc3-a9dd-070d1d495d97}"), Some(Folder::ProgramData));
    }
}
