//! Configuration and deployment descriptions.
use super::Input;
use crate::facts::Reading;

/// Reads a configuration file.
pub fn read(_input: &Input<'_>, _reading: &mut Reading) {}
