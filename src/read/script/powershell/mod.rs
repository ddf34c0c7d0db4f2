//! PowerShell scripts.

use super::sink::Sink;
use crate::facts::{Site, Text};

/// Reads a command line for PowerShell that another script or a configuration gives.
pub(super) fn inline(_line: &Text, _here: &Text, _own_folder: &Text, _site: &Site, _sink: &mut Sink<'_>) {}
