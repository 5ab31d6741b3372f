//! A witness over HTTP: bodies in, answers out, and nothing decided here.
//!
//! The async runtime lives in this folder alone. Whatever touches the disk runs on plain threads,
//! so a sync that takes its time holds up no other connection. Encryption is left to a proxy in
//! front.
//!
//! Invariant: no body is read beyond what the longest request has, and none for longer than a
//! client needs who means it.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::checkpoint::{Answer, REQUEST_BYTES_MAX, Witness};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is asked whether to stop.
const STOP_PERIOD: Duration = Duration::from_millis(50);
/// How long requests that are being answered are waited for at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Threads that check and store.
const THREADS: usize = 4;

/// Serves a witness until `stop` says so: `POST /add-checkpoint` and `GET /<log>/checkpoint`.
/// `listening` is told the address first; port 0 takes any that is free.
///
/// # Errors
/// When the address cannot be listened on, and what `listening` returns.
pub fn serve_witness(
    witness: Witness,
    listen: SocketAddr,
    listening: &mut dyn FnMut(SocketAddr) -> io::Result<()>,
    stop: fn() -> bool,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(THREADS)
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        listening(listener.local_addr()?)?;
        let server = axum::serve(listener, routes(witness)).with_graceful_shutdown(until(stop));
        let server = tokio::spawn(server.into_future());
        until(stop).await;
        // A client that never ends its request keeps nobody from ending.
        match tokio::time::timeout(GRACE, server).await {
            Ok(ended) => ended.map_err(io::Error::other)?,
            Err(_) => Ok(()),
        }
    })
}

async fn until(stop: fn() -> bool) {
    while !stop() {
        tokio::time::sleep(STOP_PERIOD).await;
    }
}

fn routes(witness: Witness) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{log}/checkpoint", get(checkpoint))
        .with_state(Arc::new(witness))
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Body) -> Response {
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, REQUEST_BYTES_MAX)).await;
    match body {
        Ok(Ok(body)) => answer(move || witness.add_checkpoint(&body)).await,
        Ok(Err(_)) => response(Answer::text(413, "the body is too long, or it broke off")),
        Err(_) => response(Answer::text(408, "the body did not come in time")),
    }
}

async fn checkpoint(State(witness): State<Arc<Witness>>, Path(log): Path<String>) -> Response {
    answer(move || witness.checkpoint(&log)).await
}

/// Works on a thread that may wait for the disk.
async fn answer(work: impl FnOnce() -> Answer + Send + 'static) -> Response {
    let done = tokio::task::spawn_blocking(work).await;
    response(done.unwrap_or_else(|_| Answer::text(500, "the witness failed")))
}

fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(answer.content_type);
    (status, [(header::CONTENT_TYPE, content_type)], answer.body).into_response()
}
