//! The `wipeproof` command.
#![allow(clippy::print_stdout)]
fn main() {
    let inputs: Vec<_> = std::env::args_os().skip(2).map(std::path::PathBuf::from).collect();
    match wipeproof::discover::walk(&inputs, &Default::default()) {
        Ok(app) => print!("{}", wipeproof::facts::listing::print(&wipeproof::read::read_all(&app).readings)),
        Err(e) => println!("{e}"),
    }
}
