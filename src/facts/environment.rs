//! Names of environments: how the one that gets deployed goes by, and those that never are in service.

/// The environments that get deployed when nobody names one: the defaults of ASP.NET Core (`ASPNETCORE_ENVIRONMENT`), of a
/// publish (`Release`) and of a cloud service project (`Cloud`). One application may have files by each of them.
const DEPLOYED: &[&str] = &["production", "release", "cloud"];
/// Environments that are not the one in service.
const NOT_IN_SERVICE: &[&str] = &["development", "dev", "local", "debug", "test", "testing"];

/// Is this what gets deployed by default?
pub fn is_deployed_by_default(environment: &str) -> bool {
    DEPLOYED.iter().any(|name| name.eq_ignore_ascii_case(environment))
}

/// Is this an environment of developers and tests?
pub fn is_out_of_service(environment: &str) -> bool {
    NOT_IN_SERVICE.iter().any(|name| name.eq_ignore_ascii_case(environment))
}
