//! Native PE images.
use super::Input;
use crate::facts::Reading;

/// Reads a PE image.
pub fn read(_input: &Input<'_>, _reading: &mut Reading) {}
