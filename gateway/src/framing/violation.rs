//! What was wrong with a message's framing: one stable code each.

macro_rules! violations {
    ($($variant:ident = $code:literal, $message:literal;)+) => {
        /// A message that could be read in two ways, or that asks for what a gateway does not do.
        ///
        /// The connection cannot go on after one: nobody knows where the next message begins.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum FramingViolation {
            $(#[doc = concat!("`", $code, "`: ", $message, ".")] #[error($message)] $variant,)+
        }

        impl FramingViolation {
            /// Every violation there is, for documents and tests.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The stable code, as in `Kelisim-Refusal`, the log and the documentation.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }
    };
}

violations! {
    // The request line.
    LeadingEmptyLines = "leading-empty-lines", "more than one empty line precedes the request (RFC 9112 §2.2)";
    RequestLineMalformed = "request-line-malformed", "the request line is not method, target and version (RFC 9112 §3)";
    VersionUnsupported = "version-unsupported", "the version is not HTTP/1.1 or HTTP/1.0 (RFC 9112 §2.3)";
    MethodRefused = "method-refused", "the method is not GET, HEAD, POST, PUT, PATCH or DELETE (RFC 9110 §9.1)";
    TargetMalformed = "request-target-malformed", "the request target has characters that a URI cannot have (RFC 3986 §3)";
    TargetFragment = "request-target-fragment", "the request target has a fragment (RFC 9112 §3.2)";
    TargetForm = "request-target-form", "the request target is neither a path nor an absolute URI (RFC 9112 §3.2)";
    TargetTooLong = "request-target-too-long", "the request target is longer than 8 KiB (RFC 9112 §3)";
    // Header lines.
    LineFeedBare = "line-feed-bare", "a line ends in LF alone (RFC 9112 §2.2)";
    CarriageReturnBare = "carriage-return-bare", "a CR stands without its LF (RFC 9112 §2.2)";
    ControlByte = "control-byte", "a line has a control byte (RFC 9110 §5.5)";
    NonAscii = "non-ascii-byte", "a line has a byte outside ASCII (RFC 9110 §5.5)";
    LineFolded = "header-line-folded", "a header line is folded (RFC 9112 §5.2)";
    NameSpaced = "header-name-spaced", "white space stands before a header's colon (RFC 9112 §5.1)";
    NameMalformed = "header-name-malformed", "a header line has no name that is a token (RFC 9110 §5.1)";
    HeadTooLong = "head-too-long", "the head is longer than 16 KiB (RFC 6585 §5)";
    HeadersTooMany = "headers-too-many", "the head has more than 100 header lines (RFC 6585 §5)";
    // Host and authority.
    HostMissing = "host-missing", "there is no Host (RFC 9112 §3.2)";
    HostRepeated = "host-repeated", "there is more than one Host (RFC 9112 §3.2)";
    HostMalformed = "host-malformed", "the Host is not a host and an optional port (RFC 9110 §7.2)";
    AuthorityMismatch = "authority-mismatch", "the target's authority is not the Host (RFC 9112 §3.2.2)";
    // Length of the body.
    LengthMalformed = "content-length-malformed", "the Content-Length is not 1 to 19 digits (RFC 9110 §8.6)";
    LengthRepeated = "content-length-repeated", "there is more than one Content-Length (RFC 9112 §6.3)";
    LengthAndCoding = "content-length-and-coding", "Content-Length stands beside Transfer-Encoding (RFC 9112 §6.1)";
    CodingRepeated = "transfer-encoding-repeated", "there is more than one Transfer-Encoding (RFC 9112 §6.1)";
    CodingUnsupported = "transfer-encoding-unsupported", "the Transfer-Encoding is not one chunked (RFC 9112 §6.1)";
    CodingInOldVersion = "transfer-encoding-in-http-1-0", "a message of HTTP/1.0 has a Transfer-Encoding (RFC 9112 §6.1)";
    // Chunks and trailers.
    ChunkSizeMalformed = "chunk-size-malformed", "a chunk's size is not 1 to 16 hexadecimal digits (RFC 9112 §7.1)";
    ChunkExtension = "chunk-extension", "a chunk has an extension (RFC 9112 §7.1.1)";
    ChunkUnterminated = "chunk-unterminated", "a chunk is longer than its size says (RFC 9112 §7.1)";
    TrailerForbidden = "trailer-forbidden", "a trailer has a name that only a head may have (RFC 9110 §6.5.1)";
    TrailersTooLong = "trailers-too-long", "the trailers are longer than 4 KiB or 64 lines (RFC 9112 §7.1.2)";
    // What a gateway does not do.
    UpgradeRefused = "upgrade-refused", "the request asks for another protocol (RFC 9110 §7.8)";
    ExpectationUnsupported = "expectation-unsupported", "the request expects more than 100-continue (RFC 9110 §10.1.1)";
    HeaderRepeated = "header-repeated", "a header that may stand once is repeated (RFC 9110 §5.3)";
    PreconditionUnpassable = "precondition-unpassable", "preconditions are longer than 512 bytes, or not plain text: without them the request would be another (RFC 9110 §13.1)";
    ContentEncoded = "content-encoding-unsupported", "the content is compressed (RFC 9110 §8.4)";
    ContentPartial = "content-range-unsupported", "the content is a part of a whole (RFC 9110 §14.5)";
    ConnectionHeader = "connection-header-in-http-2", "a header of HTTP/1 connections stands in HTTP/2 (RFC 9113 §8.2.2)";
}
