//! `wipeproof lsp`: the same scan as the command line, as diagnostics in an editor.
//!
//! The server keeps, for each workspace folder, what the readers saw in it. An edit replaces the reading of one
//! artifact and joins and judges again, so what an editor shows is what a check of the saved files would say.
//!
//! * [`transport`] frames messages on standard input and output, and survives broken ones.
//! * [`document`] holds the text of open files.
//! * [`workspace`] scans a folder and judges it with the open files over it.
//! * [`diagnostics`], [`hover`] and [`actions`] turn findings into what the protocol calls them, [`settings`] does the
//!   same for the settings file.
//! * [`server`] is the loop; [`folders`] scans and judges, [`answers`] answers requests, [`publish`] sends, and
//!   [`client`] knows what the other side can do and [`watch`] sees what it does not tell.

mod actions;
mod answers;
mod client;
mod diagnostics;
mod document;
mod fixes;
mod folders;
mod hover;
mod publish;
mod server;
mod settings;
mod state;
mod transport;
mod watch;
mod workspace;

pub use server::serve;

/// Serves an editor on standard input and output until it goes away. Returns whether it said good-bye.
pub fn run() -> bool {
    let (connection, threads) = transport::stdio();
    let orderly = serve(&connection);
    drop(connection);
    threads.finish();
    orderly
}
