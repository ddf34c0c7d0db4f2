//! Connection strings of many engines and spellings: where each leads.

use wipeproof::facts::Text;
use wipeproof::read::connection::{Reach, database, is_loopback, without_secrets};

/// Text, provider, and where it leads: reach, engine, location.
type Case = (&'static str, &'static str, Option<(Reach, &'static str, &'static str)>);

#[test]
fn where_connection_strings_lead() {
    use Reach::{File, LocalServer, Memory, Remote, Unknown};
    let cases: &[Case] = &[
        ("Data Source=.;Initial Catalog=A", "", Some((LocalServer, "sqlserver", "sqlserver://./A"))),
        (
            "server=(LOCAL)\\X;database=A;trusted_connection=yes",
            "",
            Some((LocalServer, "sqlserver", "sqlserver://(LOCAL)\\X/A")),
        ),
        ("Data Source=db1\\X;Initial Catalog=A", "", Some((Remote, "sqlserver", "sqlserver://db1\\X/A"))),
        (
            "Data Source=np:\\\\.\\pipe\\sql\\query;Initial Catalog=A",
            "",
            Some((LocalServer, "sqlserver", "sqlserver://np:\\\\.\\pipe\\sql\\query/A")),
        ),
        ("Data Source=[::1],1433;Initial Catalog=A", "", Some((LocalServer, "sqlserver", "sqlserver://[::1],1433/A"))),
        (
            "Data Source=localhost.example.net;Initial Catalog=A",
            "",
            Some((Remote, "sqlserver", "sqlserver://localhost.example.net/A")),
        ),
        ("Data Source=(localdb)\\v11.0;AttachDbFilename=C:\\d\\a.mdf", "", Some((File, "sqlserver", "C:\\d\\a.mdf"))),
        ("Data Source=a.sdf;Password=x", "System.Data.SqlServerCe.4.0", Some((File, "sqlce", "{AppDir}\\a.sdf"))),
        ("Filename=app.db", "Microsoft.Data.Sqlite", Some((File, "sqlite", "{AppDir}\\app.db"))),
        (
            "Data Source=file:shared?mode=memory&cache=shared",
            "Microsoft.Data.Sqlite",
            Some((Memory, "sqlite", "sqlite://memory")),
        ),
        ("FullUri=file::memory:", "System.Data.SQLite", Some((Memory, "sqlite", "sqlite://memory"))),
        (
            "Data Source=:memory:;Version=3;New=True",
            "System.Data.SqlClient",
            Some((Unknown, "sqlserver", "sqlserver://{?}")),
        ),
        ("Driver={Microsoft Access Driver (*.mdb)};Dbq=C:\\d\\a.mdb", "", Some((File, "jet", "C:\\d\\a.mdb"))),
        (
            "Provider=Microsoft.ACE.OLEDB.12.0;Data Source=b.xlsx;Extended Properties=\"Excel 12.0;HDR=YES\"",
            "",
            Some((File, "jet", "{AppDir}\\b.xlsx")),
        ),
        (
            "User=SYSDBA;Database=C:\\d\\a.fdb;DataSource=localhost",
            "FirebirdSql.Data.FirebirdClient",
            Some((File, "firebird", "C:\\d\\a.fdb")),
        ),
        (
            "Server=localhost;Port=5432;Database=a;User Id=b",
            "Npgsql",
            Some((LocalServer, "postgresql", "postgresql://localhost/a")),
        ),
        (
            "mongodb+srv://u:p@cluster.example.net/a?w=1",
            "",
            Some((Remote, "mongodb", "mongodb://cluster.example.net/a")),
        ),
        ("postgres://u:p@127.0.0.1:5432/a", "", Some((LocalServer, "postgresql", "postgresql://127.0.0.1:5432/a"))),
        ("sqlite:///C:/d/a.db", "", Some((File, "sqlite", "C:\\d\\a.db"))),
        ("jdbc:h2:mem:test", "", Some((Memory, "h2", "h2://memory"))),
        ("jdbc:h2:~/desk", "", Some((File, "h2", "{UserProfile}\\desk"))),
        ("jdbc:derby:C:/d/derby;create=true", "", Some((File, "derby", "C:\\d\\derby"))),
        ("jdbc:sqlserver://localhost;databaseName=a", "", Some((LocalServer, "sqlserver", "sqlserver://localhost"))),
        ("jdbc:oracle:thin:@db1:1521/a", "", Some((Remote, "oracle", "oracle://db1:1521/a"))),
        ("cache.example.net:6380,password=x,ssl=True", "", Some((Remote, "redis", "redis://cache.example.net:6380"))),
        ("Data Source={?};Initial Catalog=A", "", Some((Unknown, "sqlserver", "sqlserver://{?}/A"))),
        ("Data Source={AppData}\\a.db;Version=3", "System.Data.SQLite", Some((File, "sqlite", "{AppData}\\a.db"))),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=b==", "", None),
        ("UseDevelopmentStorage=true", "", None),
        ("Endpoint=sb://a.example.net/;SharedAccessKeyName=b", "", None),
        ("https://example.net/?a=b", "", None),
        ("just some words", "", None),
        ("", "", None),
        (";;;=;=x;\"", "", None),
    ];
    for (text, provider, expected) in cases {
        let found = database(&Text::parse(text), provider);
        let shown = found.as_ref().map(|d| (d.reach, d.engine.as_str(), d.location.to_string()));
        let shown = shown.as_ref().map(|(r, e, l)| (*r, *e, l.as_str()));
        assert_eq!(shown, *expected, "{text}");
    }
}

#[test]
fn loopback_addresses() {
    for local in [
        ".",
        "(local)",
        "LOCALHOST",
        "127.0.0.1:80",
        "tcp:localhost,1433",
        "tcpip=loopback:42424",
        "::1",
        "http://localhost:9200/x",
        ".\\SQLEXPRESS",
    ] {
        assert!(is_loopback(local), "{local}");
    }
    for remote in ["db1", "127.example.net", "localhosts", "10.0.0.1", "", "\\\\db1\\pipe"] {
        assert!(!is_loopback(remote), "{remote}");
    }
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(without_secrets("Server=a;Password=b;User=c"), "Server=a;Password=***;User=c");
    assert_eq!(without_secrets("AccountName=a;AccountKey=b=="), "AccountName=a;AccountKey=***");
    assert_eq!(without_secrets("amqp://u:p@h:1/x"), "amqp://u:***@h:1/x");
    assert_eq!(without_secrets("C:\\data\\a.log"), "C:\\data\\a.log");
}

#[test]
fn a_name_that_is_still_to_be_filled_in_is_no_database() {
    let has_effect = |name: &str| {
        let text = format!("Data Source=.\\SQLEXPRESS;Initial Catalog={name}");
        database(&Text::lit(&text), "").and_then(|found| found.effect("test")).is_some()
    };
    assert!(!has_effect("null") && !has_effect("TODO"));
    assert!(has_effect("nullable") && has_effect("Dummy"));
}
