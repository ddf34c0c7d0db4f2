//! What the reader of native code says about small C programs, for two processors and two optimisation levels,
//! compared as text.
//!
//! `UPDATE_GOLDEN=1 cargo test --test native` writes the listings anew; read the difference line by line.

mod native_listing;

use native_listing::{golden, guessed, shown};
use wipeproof::facts::{Certainty, Effect, Extent, Reading, Trait};

const BUILDS: [&str; 4] = ["x64-O0", "x64-O2", "x86-O0", "x86-O2"];

fn read(program: &str) -> Vec<Reading> {
    golden("fixtures/native", program, &BUILDS, "exe")
}

/// What is written, however it was compiled: one line per effect, without addresses.
fn written(reading: &Reading) -> Vec<String> {
    let mut lines: Vec<String> = shown(reading)
        .map(|e| {
            let name = e.via.rsplit('!').next().unwrap_or_default();
            format!("{} {} {name}", <&str>::from(e.operation), e.location)
        })
        .collect();
    lines.sort();
    lines
}

/// All builds say the same, and exactly what a reader of the source expects.
fn says(program: &str, expected: &[&str]) {
    for reading in read(program) {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn modes_of_files() {
    says(
        "files",
        &[
            "append C:\\logs\\trace.txt CreateFileA",
            "append {Cwd}\\journal.log fopen",
            "copy C:\\backup\\state.xml CopyFileA",
            "create C:\\data\\queue CreateDirectoryA",
            // One function opens both, for appending or for writing; callers say which.
            "create C:\\data\\snapshot.bin fopen",
            "create C:\\scratch\\work.tmp CreateFileA",
            "create D:\\data\\orders.dat CreateFileW",
            "create \\\\server\\share\\copy.dat CreateFileA",
            "delete C:\\data\\lock DeleteFileW",
            "delete C:\\data\\old.dll MoveFileExA",
            "rename C:\\data\\state.xml MoveFileExA",
        ],
    );
}

#[test]
fn files_that_are_written_besides() {
    says(
        "sundry",
        &[
            "create C:\\Contoso\\badge.wmf CreateMetaFileW",
            "create C:\\Contoso\\call.wav mmioOpenA",
            "create C:\\Contoso\\plan.emf CreateEnhMetaFileA",
            "create C:\\Contoso\\unpacked.dat LZOpenFileA",
            "write C:\\Contoso\\setup.exe BeginUpdateResourceW",
        ],
    );
}

/// Arrays that begin as a text, structures that are copied, pairs of pointers that are stored at once.
#[test]
fn texts_and_pointers_in_vectors() {
    says(
        "vectors",
        &[
            "create C:\\Contoso\\archive CreateDirectoryA",
            "create {Temp}\\contoso CreateDirectoryW",
            "delete C:\\Contoso\\stores\\of the north\\orders.dat DeleteFileA",
            "delete C:\\Contoso\\wide\\prices.dat DeleteFileW",
            "delete {Windows}\\contoso\\cache.bin DeleteFileW",
            "set-value C:\\Contoso\\kept.ini\\Desk\\Left WritePrivateProfileStringA",
            "set-value C:\\Contoso\\own.ini\\Window\\Top WritePrivateProfileStringA",
        ],
    );
}

#[test]
fn every_way_to_open() {
    says(
        "modes",
        &[
            "append C:\\m\\append.dat CreateFileA",
            "append C:\\m\\fopen-a.dat fopen",
            "append C:\\m\\fopen-at+.dat fopen",
            "append C:\\m\\fsopen.dat _fsopen",
            "append C:\\m\\open-append.dat _open",
            "create C:\\m\\creat.dat _creat",
            "create C:\\m\\create-always.dat CreateFileA",
            "create C:\\m\\create-new.dat CreateFileA",
            "create C:\\m\\fopen-D.dat fopen",
            "create C:\\m\\fopen-w+b.dat fopen",
            "create C:\\m\\fopen-w.dat fopen",
            "create C:\\m\\freopen.log freopen",
            "create C:\\m\\long.dat CreateFileA",
            "create C:\\m\\open-temporary.dat _open",
            "create C:\\m\\open-wronly.dat _open",
            "create C:\\m\\sopen.dat _sopen",
            "create C:\\m\\transient.dat CreateFileA",
            "create C:\\m\\wfopen.dat _wfopen",
            "delete C:\\m\\deleted.dat CreateFileA",
            "delete C:\\m\\leftover MoveFileExW",
            "rename C:\\m\\used.dll MoveFileExW",
            "write C:\\m\\fopen-ccs.dat fopen",
            "write C:\\m\\fopen-r+.dat fopen",
            "write C:\\m\\open-all.dat CreateFileA",
            "write C:\\m\\open-data.dat CreateFileA",
            "write C:\\m\\open-rdwr.dat _open",
            "write C:\\m\\open-write.dat CreateFileA",
            "write C:\\m\\truncate.dat CreateFileA",
        ],
    );
    for reading in read("modes") {
        let scratch: Vec<String> = reading
            .facts
            .iter()
            .filter_map(|f| f.as_effect())
            .filter(|e| e.traits.contains(&Trait::DeleteOnClose))
            .map(|e| e.location.to_string())
            .collect();
        let scratch: Vec<&str> = scratch.iter().filter_map(|s| s.rsplit('\\').next()).collect();
        assert_eq!(scratch, ["transient.dat", "deleted.dat", "fopen-D.dat", "open-temporary.dat"]);
    }
}

#[test]
fn ways_to_call() {
    says(
        "calls",
        &[
            // By a function that is given to another one.
            "configure C:\\Contoso\\burnt.dat SetFileAttributesA",
            "configure C:\\Contoso\\kind-4 SetFileAttributesA",
            "copy C:\\Contoso\\rare.bak CopyFileA",
            "create C:\\Contoso\\disk CreateDirectoryA",
            "create C:\\Contoso\\kind-1 CreateDirectoryA",
            "create C:\\Contoso\\replaced.dat CreateFileA",
            "create C:\\Contoso\\worker.dat CreateFileA",
            "delete C:\\Contoso\\a.tmp DeleteFileA",
            "delete C:\\Contoso\\b.tmp DeleteFileA",
            "delete C:\\Contoso\\c.tmp DeleteFileA",
            "delete C:\\Contoso\\d.tmp DeleteFileA",
            "delete C:\\Contoso\\dropped RemoveDirectoryA",
            // One of two functions is called.
            "delete C:\\Contoso\\either DeleteFileA",
            "delete C:\\Contoso\\either RemoveDirectoryA",
            "delete C:\\Contoso\\kind-2 RemoveDirectoryA",
            "delete C:\\Contoso\\kind-3 DeleteFileA",
            "delete C:\\Contoso\\tail.tmp DeleteFileA",
            "delete HKCU\\Software\\Contoso\\Kind6 RegDeleteKeyA",
            "rename C:\\Contoso\\kind-0 MoveFileA",
            "rename C:\\Contoso\\kind-5 MoveFileA",
            "rename C:\\Contoso\\kind-none MoveFileA",
        ],
    );
}

#[test]
fn what_nothing_leads_to_is_not_reported() {
    let runs = [
        "create C:\\Reached\\file.dat CreateFileA",
        "create C:\\Reached\\first CreateDirectoryA",
        "create C:\\Reached\\second CreateDirectoryA",
        "create HKCU\\Software\\Reached\\Perhaps RegCreateKeyExA",
        "create HKCU\\Software\\Reached\\Volatile RegCreateKeyExA",
        "create HKLM\\Software\\Reached\\Native RegCreateKeyExA",
        "set-value HKLM\\Software\\Reached\\Native\\Here RegSetValueExA",
    ];
    for reading in read("reached") {
        assert_eq!(written(&reading), runs, "{}", reading.artifact);
    }
    for reading in read("reached") {
        let marked = |mark: Trait| {
            let effects = shown(&reading).filter(move |e| e.has(mark));
            effects.map(|e| e.location.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(marked(Trait::Volatile), ["HKCU\\Software\\Reached\\Volatile"]);
        assert!(marked(Trait::View32).is_empty());
        // What lies there is still listed for those who ask for everything.
        let is_unused = |e: &&Effect| e.location.to_string().contains("unused");
        assert!(reading.facts.iter().filter_map(|f| f.as_effect()).any(|e| is_unused(&e)));
    }
}

#[test]
fn texts_that_are_put_together() {
    let expected = [
        "create C:\\Contoso%ff  _  9 CreateFileA",
        "create C:\\Contoso\\3.log CreateFileW",
        "create C:\\Contoso\\copied-bytes.dat CreateFileA",
        "create C:\\Contoso\\copied.dat CreateFileA",
        "create C:\\Contoso\\ini.dat CreateFileA",
        "create C:\\Contoso\\moved-by-wide-registers.dat CreateFileA",
        "create C:\\Contoso\\moved-wide.dat CreateFileW",
        "create C:\\Contoso\\queue\\orders-0012.dat CreateFileW",
        "create C:\\Contoso\\spool-7.005 CreateFileA",
        "create C:\\Contoso\\xnarrow.dat CreateFileW",
        "create C:\\s.dat CreateFileA",
        "create {AppData}\\Contoso\\{env:CONTOSO_SITE}\\site.dat CreateFileW",
        "create {LocalAppData}\\Contoso\\local.dat CreateFileW",
        "create {arg:1} CreateFileA",
        "create {arg:1}\\export.csv CreateFileW",
        "create {arg:2}.bak CreateFileA",
        "create {env:CONTOSO_ROOT}\\root.dat CreateFileW",
        "create {ini:(AppDir)\\app.ini/Paths/Data}\\ini.dat CreateFileA",
        "create {registry:HKLM\\SOFTWARE\\Contoso\\DataDir}\\registry.dat CreateFileW",
    ];
    for reading in read("texts") {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

#[test]
fn texts_for_which_there_is_no_room() {
    says(
        "bounds",
        &[
            "create C:\\Bounds\\a.da CreateFileA",
            "create C:\\Bounds\\b.da CreateFileA",
            "create C:\\Bounds\\c.dat CreateFileW",
            "create C:\\Bounds\\d.da CreateFileA",
            "create C:\\Bounds\\e.da CreateFileA",
            "create C:\\Bounds\\f.da CreateFileA",
            "create C:\\Bounds\\g.d CreateFileA",
            "create C:\\Bounds\\h.d CreateFileA",
            "create C:\\Bounds\\l.da{?} CreateFileA",
            "create C:\\Bounds\\m.da CreateFileA",
            "create C:\\Bounds\\n.d CreateFileA",
            "create C:\\Bounds\\p.da CreateFileA",
            "create C:\\Bounds\\q.da{?} CreateFileA",
            "create C:\\Bounds\\r.da CreateFileA",
            "create C:\\Bounds\\s.da{?} CreateFileA",
            "create C:\\Bounds\\t.da CreateFileA",
            "create C:\\Bounds\\u.d CreateFileA",
            "create C:\\Bounds\\v.da CreateFileA",
            "create C:\\Bounds\\w.d CreateFileA",
            "create {Temp}\\z.da CreateFileA",
        ],
    );
    // Nothing of it is a guess.
    for reading in read("bounds") {
        for effect in shown(&reading).filter(|effect| !effect.location.to_string().ends_with("{?}")) {
            assert_eq!(effect.certainty, Certainty::Proven, "{}: {}", reading.artifact, effect.location);
        }
        assert!(shown(&reading).all(|effect| !effect.traits.contains(&Trait::Guessed)), "{}", reading.artifact);
    }
}

#[test]
fn texts_that_are_not_known() {
    for reading in read("unknowns") {
        let effects = || reading.facts.iter().filter_map(|fact| fact.as_effect());
        let opens = |effect: &Effect| effect.via.ends_with("!_open") && effect.location.text().is_unknown();
        assert!(!effects().any(opens), "{}: the word that stands for no file", reading.artifact);
        let written = written(&reading);
        let says = |line: &str| written.iter().any(|written| written == line);
        let expected = [
            "append C:\\Unknowns\\a.log _open",
            "create C:\\Unknowns\\b.log _open",
            "create HKCU\\Software\\Unknowns RegCreateKeyExA",
            "create {Windows}\\unknowns\\policies.dat CreateFileW",
            "create {env:UNKNOWNS_FILE}{?} CreateFileA",
            "create {?}.cer CreateFileA",
            "create {?}.long CreateFileA",
            "create {?}.short CreateFileA",
            "create {?}index.dat CreateFileW",
            "delete C:\\Unknowns\\gone.dat SetFileInformationByHandle",
            "delete C:\\Unknowns\\native.dat NtSetInformationFile",
            "set-value HKCU\\Software\\Unknowns\\Values\\Named RegSetValueExA",
            "set-value HKCU\\Software\\Unknowns\\Values\\Unnamed RegSetValueExA",
            "set-value HKCU\\Software\\Unknowns\\{?} RegSetValueExW",
        ];
        for line in expected {
            assert!(says(line), "{}: {line} is missing in {written:#?}", reading.artifact);
        }
        // What was appended is not the whole, a word that is compared with names no file, and what is told not to be deleted
        // stays.
        for part in
            ["{Cwd}\\-", "{Cwd}\\index", "{Cwd}\\.cer", "kept.dat", "(default)", "FILE}.log", "browse.dat", "menu.dat"]
        {
            assert!(!written.iter().any(|line| line.contains(part)), "{}: {part} in {written:#?}", reading.artifact);
        }
        let certainty = |place: &str| -> Vec<Certainty> {
            let effects = reading.facts.iter().filter_map(|fact| fact.as_effect());
            let there = effects.filter(|effect| effect.location.to_string() == place);
            there.map(|effect| effect.certainty).collect()
        };
        assert_eq!(certainty("C:\\Unknowns\\handed.dat"), [Certainty::Possible], "{}", reading.artifact);
        // To make what every Windows has is to open it.
        let services = "HKLM\\SYSTEM\\CurrentControlSet\\Services";
        assert_eq!(certainty(services), [Certainty::Possible], "{}", reading.artifact);
        // With a handle that only reads nothing is kept in what is made.
        assert_eq!(certainty(&format!("{services}\\Unknowns")), [Certainty::Possible], "{}", reading.artifact);
    }
}

#[test]
fn paths_that_are_built() {
    says(
        "paths",
        &[
            // From a default or from the environment: one of two.
            "create C:\\Contoso\\env.ini CreateFileA",
            "create {AppData}\\Contoso\\cart-7.dat CreateFileA",
            "create {AppDir}\\beside.log CreateFileA",
            "create {LocalAppData}\\Contoso\\cache.bin CreateFileW",
            "create {ProgramData}\\Contoso\\expanded.bin CreateFileA",
            "create {ProgramData}\\Contoso\\orders.db CreateFileA",
            "create {Temp}\\spool.tmp CreateFileA",
            "create {env:CONTOSO_HOME}\\env.ini CreateFileA",
            "create {ini:C:\\Contoso\\app.ini/Paths/Export}\\export.csv CreateFileA",
            "delete {AppDir}\\data\\wide.db DeleteFileW",
        ],
    );
}

#[test]
fn keys_and_values() {
    says(
        "registry",
        &[
            "create HKCU\\Software\\Contoso\\OrderDesk RegCreateKeyExA",
            "create HKCU\\Software\\Contoso\\OrderDesk\\Window RegCreateKeyExW",
            "create HKLM\\SOFTWARE\\Contoso\\License RegCreateKeyExW",
            "delete HKCU\\Software\\Contoso\\Old RegDeleteKeyA",
            "delete {registry:HKLM\\SOFTWARE\\Contoso\\Paths\\Data}\\orders.xml DeleteFileA",
            "delete-value HKCU\\Software\\Contoso\\OrderDesk\\Window\\Top RegDeleteValueW",
            "set-value HKCU\\Software\\Contoso\\OrderDesk\\LastRun RegSetValueExA",
            "set-value HKCU\\Software\\Contoso\\OrderDesk\\Window\\Left RegSetValueExW",
            "set-value HKCU\\Software\\Contoso\\Shared\\Theme RegSetValueExA",
            "set-value HKLM\\SOFTWARE\\Contoso\\License\\(default) RegSetValueExW",
            "set-value HKLM\\Software\\Contoso\\Shared\\Server RegSetValueExA",
        ],
    );
}

#[test]
fn services_logs_and_settings() {
    says(
        "system",
        &[
            "append ContosoOrders ReportEventA",
            "register ContosoOrders CreateServiceA",
            "register ContosoRemote CreateServiceA",
            "set-value C:\\app\\settings.ini\\Window\\X WritePrivateProfileStringW",
            "set-value HKCU\\Software\\Contoso\\Late\\Seen RegSetKeyValueA",
            "set-value {Windows}\\orderdesk.ini\\Session\\LastOrder WritePrivateProfileStringA",
            "set-value {Windows}\\win.ini\\OrderDesk\\Installed WriteProfileStringA",
        ],
    );
}

#[test]
fn views_of_the_registry() {
    let written = [
        "create C:\\Views\\dotted.dat CreateFileA",
        "create C:\\Views\\long.dat CreateFileA",
        "create HKLM\\SOFTWARE\\Contoso\\Made32 RegCreateKeyExA",
        "create HKLM\\SOFTWARE\\Contoso\\Made64 RegCreateKeyExA",
        "delete HKLM\\SOFTWARE\\Contoso\\Gone32 RegDeleteKeyExA",
        "delete HKLM\\SOFTWARE\\Contoso\\Gone64 RegDeleteKeyExA",
        "set-value HKCR\\Interface\\{6B29FC40-CA47-1067-B31D-00DD010662DA}\\Own RegSetKeyValueA",
        "set-value HKCU\\Software\\Classes\\CLSID\\{6B29FC40-CA47-1067-B31D-00DD010662DA}\\Own RegSetKeyValueA",
        "set-value HKCU\\Software\\Contoso\\Shared RegSetKeyValueA",
        "set-value HKLM\\SOFTWARE\\Classes\\.contoso\\Shared RegSetKeyValueA",
        "set-value HKLM\\SOFTWARE\\Classes\\CLSID\\{6B29FC40-CA47-1067-B31D-00DD010662DA}\\Own RegSetKeyValueA",
        "set-value HKLM\\SOFTWARE\\Contoso\\Made32\\Below32 RegSetValueExA",
        "set-value HKLM\\SOFTWARE\\Contoso\\Made64\\Below64 RegSetValueExA",
        "set-value HKLM\\SOFTWARE\\Contoso\\Own\\Own RegSetKeyValueA",
        "set-value HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\Contoso RegSetKeyValueA",
        "set-value HKLM\\SOFTWARE\\Policies\\Contoso\\Shared RegSetKeyValueA",
        "set-value HKLM\\SYSTEM\\CurrentControlSet\\Services\\Contoso\\Shared RegSetKeyValueA",
    ];
    says("views", &written);
    for reading in read("views") {
        let is_x86 = reading.artifact.contains("x86");
        for effect in shown(&reading).filter(|e| e.location.to_string().starts_with("HK")) {
            let location = effect.location.to_string();
            let own = ["\\Own", "Run\\Contoso"].iter().any(|end| location.ends_with(end)) && is_x86;
            assert_eq!(effect.has(Trait::View32), own || location.contains("32"), "{}: {location}", reading.artifact);
        }
    }
}

#[test]
fn names_that_callers_give() {
    says(
        "asked",
        &[
            "delete C:\\Asked\\instead.dat DeleteFileA",
            "delete \\ini.dat DeleteFileA",
            "delete {LocalAppData}\\folder.dat DeleteFileA",
            "delete {env:ASKED_HOME}\\variable.dat DeleteFileA",
            "delete {ini:C:\\Asked\\asked.ini/Empty/First}\\first.dat DeleteFileA",
            "delete {ini:C:\\Asked\\asked.ini/Empty/Instead}\\instead.dat DeleteFileA",
            "delete {ini:C:\\Asked\\asked.ini/Empty/Length}\\length.dat DeleteFileA",
            "delete {ini:C:\\Asked\\asked.ini/Paths/Logs}\\ini.dat DeleteFileA",
            "delete {registry:HKLM\\SYSTEM\\Asked\\Paths\\Data}\\registry.dat DeleteFileA",
            "set-value C:\\Asked\\asked.ini\\Window\\Left WritePrivateProfileStringA",
            "set-value C:\\Asked\\asked.ini\\Window\\Top WritePrivateProfileStringA",
            "set-value C:\\Asked\\narrow.ini\\Window\\Kind WritePrivateProfileStringA",
            "set-value C:\\Asked\\wide.ini\\Window\\Kind WritePrivateProfileStringA",
            "set-value HKCU\\Software\\Asked\\Height RegSetValueExA",
            "set-value HKCU\\Software\\Asked\\Width RegSetValueExA",
        ],
    );
}

#[test]
fn what_a_stream_is_for_is_part_of_its_mode() {
    for reading in read("openmode") {
        let effects = reading.facts.iter().filter_map(|f| f.as_effect());
        let mut found: Vec<String> = effects
            .map(|e| format!("{} {} {}", <&str>::from(e.certainty), <&str>::from(e.operation), e.location))
            .collect();
        found.sort_unstable();
        let expected = [
            "proven append C:\\Openmode\\added.dat",
            "proven create C:\\Openmode\\again.dat",
            "proven create C:\\Openmode\\binary.dat",
            "proven create C:\\Openmode\\end.dat",
            "proven create C:\\Openmode\\wide.dat",
            "proven read C:\\Openmode\\read.dat",
            "proven write C:\\Openmode\\changed.dat",
            "proven write C:\\Openmode\\there.dat",
        ];
        assert_eq!(found, expected, "{}", reading.artifact);
    }
}

#[test]
fn key_containers() {
    says("keys", &["generate ContosoOrders CryptAcquireContextW", "generate {env:USERNAME} CryptAcquireContextA"]);
}

/// A container that only serves for random numbers holds no key: there is nothing to lose. What a library that is
/// linked in writes under its own name is not the application's.
#[test]
fn what_a_library_does_that_is_linked_in() {
    says("library", &["append OpenSSL ReportEventA"]);
    let of_library = |effect: &Effect| effect.has(Trait::Runtime);
    assert!(read("library").iter().all(|r| r.facts.iter().filter_map(|f| f.as_effect()).all(of_library)));
}

#[test]
fn values_that_travel() {
    says(
        "flow",
        &[
            "create C:\\Contoso\\journal.bin CreateFileA",
            // Called through a variable that holds a function which was looked up.
            "create C:\\Contoso\\late.bin CreateFileW",
            "create C:\\Contoso\\orders.db CreateFileA",
            "create C:\\Contoso\\other.db CreateFileA",
            "create C:\\Contoso\\stock.db CreateFileA",
            "create HKCU\\Software\\Contoso\\Flow RegCreateKeyExA",
            "create HKLM\\SOFTWARE\\Contoso\\Store RegCreateKeyExA",
            "create {LocalAppData}\\Contoso\\store.db CreateFileA",
            "create {ProgramData}\\Contoso\\global.dat CreateFileA",
            "create {Temp}\\contoso.cache CreateFileA",
            "delete C:\\Contoso\\lock DeleteFileA",
            "set-value HKCU\\Software\\Contoso\\Flow\\Port RegSetValueExA",
            "set-value HKCU\\Software\\Contoso\\Flow\\Server RegSetValueExA",
            "set-value HKLM\\SOFTWARE\\Contoso\\Store\\File RegSetValueExA",
        ],
    );
}

#[test]
fn objects_of_classes() {
    says(
        "objects",
        &[
            "append C:\\Contoso\\global.log CreateFileW",
            "append C:\\Contoso\\local.log CreateFileW",
            "create HKCU\\Software\\Contoso\\Objects RegCreateKeyExW",
            "create HKLM\\SOFTWARE\\Contoso\\Objects RegCreateKeyExW",
            // By a virtual function, from a field that the constructor filled.
            "create {AppData}\\Contoso\\sink.dat CreateFileA",
            "delete HKCU\\Software\\Contoso\\Sink RegDeleteKeyW",
            "set-value HKCU\\Software\\Contoso\\Objects\\Width RegSetValueExW",
            "set-value HKLM\\SOFTWARE\\Contoso\\Objects\\Runs RegSetValueExW",
        ],
    );
}

/// All builds say the same.
#[test]
fn strings_of_the_library() {
    let expected = [
        "append C:\\Contoso\\service.log",
        "create C:\\Contoso\\report.csv",
        "create C:\\Contoso\\report.csv.idx",
        "create C:\\ProgramData\\Contoso\\orders.xml",
        "create D:\\data\\repository.db.new",
        "create {ProgramData}\\Contoso\\orders.xml",
        "delete C:\\Contoso\\old.tmp",
        "rename D:\\data\\repository.db",
    ];
    for reading in read("strings") {
        let written = written(&reading);
        let places: Vec<&str> =
            written.iter().filter_map(|line| line.rsplit_once(' ')).map(|(place, _)| place).collect();
        assert_eq!(places, expected, "{}", reading.artifact);
        guesses_nothing(&reading);
    }
}

/// The source makes all of it certain.
fn guesses_nothing(reading: &Reading) {
    for effect in reading.facts.iter().filter_map(|f| f.as_effect()) {
        assert!(!effect.has(Trait::Guessed), "{}: {effect:?}", reading.artifact);
    }
}

/// What is easily misread: ends of strings that are used again, texts that are overwritten, given away or compared,
/// values of which there are two, and modes without a branch.
#[test]
fn what_is_said_is_true() {
    says(
        "truth",
        &[
            "create C:\\Truth\\Inlined\\one.dat CreateFileA",
            "create C:\\Truth\\data\\nine.dat CreateFileA",
            "create C:\\Truth\\eight.dat CreateFileA",
            "create C:\\Truth\\eleven.new CreateFileA",
            "create C:\\Truth\\five.dat CreateFileA",
            "create C:\\Truth\\four.dat CreateFileA",
            "create C:\\Truth\\initial.dat CreateFileA",
            "create C:\\Truth\\kept.dat CreateFileA",
            "create C:\\Truth\\new.dat CreateFileA",
            "create C:\\Truth\\old.dat CreateFileA",
            "create C:\\Truth\\seven.dat CreateFileA",
            "create C:\\Truth\\six.6 CreateFileA",
            "create C:\\Truth\\ten.log CreateFileA",
            "create C:\\Truth\\three.dat CreateFileA",
            "create C:\\Truth\\two.dat CreateFileA",
            "create C:\\Truth\\written.cfg CreateFileA",
            // What is scrambled character by character, as it is then opened.
            "create {Cwd}\\B;]Ustui]rbs`lcmde\\e`u CreateFileA",
            "create {env:TRUTH_FILE} CreateFileA",
            "create {ini:C:\\Truth\\truth.ini/Paths/Data}\\nine.dat CreateFileA",
        ],
    );
}

/// Places that change after they are known, and such as depend on what a caller leaves out.
#[test]
fn places_that_change() {
    let expected = [
        "create C:\\Places\\relative.dat CreateFileA",
        "create D:\\made\\name.dat CreateFileA",
        "create D:\\places\\program.err CreateFileA",
        "create HKCU\\Software\\PlacesOne RegCreateKeyA",
        "create HKLM\\Software\\PlacesAll RegCreateKeyA",
        "create {?}.tail CreateFileA",
        "create {AppDir}\\ab.ini CreateFileA",
        "create {AppDir}\\config.ini CreateFileA",
        "create {AppDir}\\data\\below.dat CreateFileA",
        "create {AppDir}\\settings.ini CreateFileA",
        "create {Cwd}\\letter.dat CreateFileA",
        "create {Temp}{?} CreateFileA",
        "set-value HKCU\\Software\\PlacesOne\\Paired RegSetValueExA",
        "set-value HKCU\\Software\\Places\\Top RegSetValueExA",
        "set-value HKCU\\Software\\Places\\Window\\Left RegSetValueExA",
        "set-value HKLM\\Software\\PlacesAll\\Paired RegSetValueExA",
    ];
    for reading in read("places") {
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
        // What a caller gives decides between two places, and what Windows answers whether there is one.
        assert_eq!(guessed(&reading), ["{Temp}{?}"], "{}", reading.artifact);
    }
    // Before the current folder is changed, and below the one that it is changed to.
    for reading in read("places") {
        let mut relative =
            shown(&reading).filter(|e| ["letter", "relative"].iter().any(|name| e.location.to_string().contains(name)));
        assert!(relative.all(|e| e.certainty == Certainty::Proven), "{}", reading.artifact);
    }
}

/// Flags that an operator puts together in a function of its own, and paths of the library.
#[test]
fn modes_and_paths_of_the_library() {
    for reading in read("opened") {
        let written = written(&reading);
        let places: Vec<&str> =
            written.iter().filter_map(|line| line.rsplit_once(' ')).map(|(place, _)| place).collect();
        assert_eq!(
            places,
            [
                "append C:\\Truth\\more.bin",
                "create C:\\Truth\\folder",
                "delete C:\\Truth\\removed.dat",
                "rename C:\\Truth\\after.dat",
                "write C:\\Truth\\both.bin",
            ],
            "{}",
            reading.artifact
        );
        guesses_nothing(&reading);
    }
}

#[test]
fn a_runtime_that_is_linked_in() {
    says("linked", &["append {Cwd}\\journal.log fopen", "create C:\\data\\linked.bin fopen"]);
}

#[test]
fn a_runtime_that_opens_by_flags() {
    says("runtime", &["append C:\\data\\once.log _wfopen", "create C:\\data\\plain.dat _wopen"]);
}

/// From the function with the mode string to the call of Windows go seven functions, and one caller is enough.
#[test]
fn files_of_a_nested_runtime() {
    says("nested", &["create C:\\Contoso\\kept.dat _wfopen"]);
}

#[test]
fn callbacks_that_are_not_aligned() {
    says(
        "unaligned",
        &[
            "append C:\\callbacks\\control.dat fopen",
            "append C:\\callbacks\\worker.dat fopen",
            "create C:\\callbacks\\crash.dmp CreateFileA",
            "create C:\\callbacks\\timer.dat fopen",
        ],
    );
}

#[test]
fn a_listing_never_calls_a_place_proven_that_is_not_known() {
    for program in ["files", "flow", "keys", "linked", "objects", "paths", "registry", "runtime", "strings", "system"] {
        for reading in read(program) {
            for effect in reading.facts.iter().filter_map(|f| f.as_effect()) {
                assert!(effect.certainty < Certainty::Proven || effect.location.extent() == Extent::Full, "{effect:?}");
            }
        }
    }
}

/// What is written at a computed place is never ignored: it is followed from the end of a string, and elsewhere leaves
/// the folder and a hole, as a guess.
#[test]
fn edits_inside_a_path() {
    for reading in read("edits") {
        let name = reading.artifact.rsplit('/').next().unwrap_or_default().trim_end_matches("exe");
        let expected = [
            format!("create {{AppDir}}\\{name}ini CreateFileW"),
            "create {AppDir}\\loop.dat CreateFileW".to_owned(),
            "create {Temp}\\scratch.dat CreateFileW".to_owned(),
        ];
        assert_eq!(written(&reading), expected, "{}", reading.artifact);
    }
}

/// What a credential or a secret is called stands in a structure.
#[test]
fn secrets_and_functions_by_number() {
    says(
        "secrets",
        &[
            "protect DPAPI machine key CryptProtectData",
            "write C:\\Contoso\\orders.mdb SQLDriverConnectW",
            "write Contoso/orders CredWriteW",
            "write L$ContosoOrders LsaStorePrivateData",
        ],
    );
}

/// What accounts, groups and shares are called stands first in a structure.
#[test]
fn accounts_and_shares() {
    says(
        "accounts",
        &[
            "register ContosoClerks NetLocalGroupAdd",
            "register ContosoOffice NetGroupAdd",
            "register contoso-orders NetUserAdd",
            "register orders NetShareAdd",
            "register {?} NetUserAdd",
        ],
    );
}

/// Of what cannot be looked into the listing says that, and what it imports.
#[test]
fn what_cannot_be_read_is_listed() {
    golden("fixtures/native/packed", "files", &["x64", "x86"], "exe");
    golden("fixtures/native/arm", "desk", &["arm64"], "exe");
}
