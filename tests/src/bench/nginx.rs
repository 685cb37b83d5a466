//! nginx as the same mutual-TLS reverse proxy: the peer that everything is divided by.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::Context as _;

use super::peer::{Calls, Hashes, Peer, Process, Running, free_addr};
use super::pki::{self, Identity};
use super::world::World;

/// A worker a core, TLS 1.3, client certificates checked against the list, an access-log line a call
/// (unbuffered, as is its default), kept-alive and verified mutual TLS upstream.
#[derive(Debug)]
pub struct Nginx;

impl Peer for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn start(&self, world: &World) -> anyhow::Result<Running> {
        let folder = world.folder().join("nginx");
        fs::create_dir_all(&folder)?;
        let (addr, file) = (free_addr()?, folder.join("nginx.conf"));
        fs::write(&file, configuration(addr, world.upstream(), world.folder(), &folder)?)?;
        let mut process = Process::spawn(
            Command::new("nginx")
                .arg("-c")
                .arg(&file)
                .arg("-p")
                .arg(&folder)
                .arg("-e")
                .arg(folder.join("error.log")),
        )?;
        process.wait_for(addr).with_context(|| {
            let log = fs::read_to_string(folder.join("error.log")).unwrap_or_default();
            format!("nginx; its log says: {log}")
        })?;
        Ok(Running { addr, calls: Calls::new("", addr, &[]), process, hashes: Hashes::None })
    }
}

fn configuration(
    addr: SocketAddr,
    upstream: SocketAddr,
    keys: &Path,
    folder: &Path,
) -> anyhow::Result<String> {
    let workers = thread::available_parallelism()?;
    let (anchor, crl) = (pki::anchor(keys), pki::crl(keys));
    let (certificate, key) = (Identity::Proxy.certificate(keys), Identity::Proxy.key(keys));
    let (anchor, crl) = (anchor.display(), crl.display());
    let (certificate, key, folder) = (certificate.display(), key.display(), folder.display());
    Ok(format!(
        r#"daemon off;
pid {folder}/nginx.pid;
worker_processes {workers};
events {{ worker_connections 16384; }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    # By default a connection is closed after 1,000 requests or 75 s: then handshakes would be measured too.
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    # Documents pass as they come, through no file.
    client_max_body_size 64m;
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    upstream provider {{
        server {upstream};
        keepalive {UPSTREAM_KEEPALIVE};
        keepalive_requests 100000000;
        keepalive_timeout 600s;
    }}
    server {{
        listen {addr} ssl backlog=4096;
        ssl_protocols TLSv1.3;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_client_certificate {anchor};
        ssl_crl {crl};
        ssl_verify_client on;
        location / {{
            proxy_pass https://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_certificate {certificate};
            proxy_ssl_certificate_key {key};
            proxy_ssl_trusted_certificate {anchor};
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
        }}
    }}
}}
"#
    ))
}

/// Idle upstream connections that a worker keeps: as many as the largest load has lines. With fewer a worker
/// closes and opens them again under that load, and upstream handshakes drown everything else.
const UPSTREAM_KEEPALIVE: u32 = 256;
