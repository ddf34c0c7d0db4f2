//! Install and startup scripts, and the sources of installers.
use super::Input;
use crate::facts::Reading;

/// Reads a script.
pub fn read(_input: &Input<'_>, _reading: &mut Reading) {}
