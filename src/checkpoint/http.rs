//! The way to a witness: HTTP and HTTPS, with nothing believed and everything bounded.

use std::time::Duration;

use super::ask::Transport;

/// How long connecting, sending and each part of an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole request may take.
const TIMEOUT_WHOLE: Duration = Duration::from_secs(30);
/// Bytes of the longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Posts over HTTP or HTTPS. Certificates are checked against the roots that browsers trust; a
/// proxy is used where the environment names one.
pub struct HttpTransport(ureq::Agent);

impl HttpTransport {
    /// Makes a client; nothing is connected yet.
    #[must_use]
    pub fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT_WHOLE))
            .timeout_resolve(Some(TIMEOUT))
            .timeout_connect(Some(TIMEOUT))
            .timeout_send_request(Some(TIMEOUT))
            .timeout_send_body(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .timeout_recv_body(Some(TIMEOUT))
            // A witness that moved is a matter for the policy.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("schwabot/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(config.new_agent())
    }
}

impl Default for HttpTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for HttpTransport {
    fn post(&self, url: &str, body: &[u8]) -> Result<(u16, Vec<u8>), String> {
        let answer = self.0.post(url).content_type("text/plain; charset=utf-8").send(body);
        let mut answer = answer.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        Ok((status, body.map_err(|error| error.to_string())?))
    }
}
