//! The tear sheet: its figures, its drawings, its page.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

#[expect(dead_code, reason = "only some of what tests share is needed here")]
mod support;

mod report_cli;
mod report_metrics;
mod report_page;
