//! The cryptographic tool that does the work, as it says of itself (Portal 61.1; HR 3.3, 26.2).

/// A cryptographic tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// The version that runs: asked of the library itself, so that no other can be said.
    pub version: &'static str,
    /// Whether it is a module validated under FIPS 140.
    pub fips: bool,
}

/// The tool behind connections, signatures, digests and seals.
pub fn tool() -> Tool {
    let version = aws_lc_rs::awslc_version();
    Tool { name: "AWS-LC", version, fips: aws_lc_rs::try_fips_mode().is_ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C5: what is recorded is what connections are made with.
    #[test]
    fn the_tool_is_the_one_of_connections_and_knows_its_version() {
        let tool = tool();
        assert_eq!(tool.fips, rustls::crypto::aws_lc_rs::default_provider().fips());
        let numbers: Vec<_> = tool.version.split('.').map(str::parse::<u16>).collect();
        assert!(numbers.len() == 3 && numbers.iter().all(Result::is_ok), "{}", tool.version);
    }
}
