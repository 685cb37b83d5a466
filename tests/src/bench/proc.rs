//! What `/proc` tells of a process and its descendants. Linux only, like the benchmark.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Returns `root` and all its living descendants.
pub(crate) fn tree(root: u32) -> anyhow::Result<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end between the listing and the look.
        if let Ok(stat) = stat(pid) {
            parents.push((pid, stat.parent));
        }
    }
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| pid));
        next += 1;
    }
    Ok(tree)
}

/// Returns the user and system time of the processes, including that of children they have waited for.
pub(crate) fn cpu(pids: &[u32]) -> anyhow::Result<Duration> {
    let mut ticks = 0;
    for &pid in pids {
        ticks += stat(pid)?.ticks;
    }
    Ok(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second())?)
}

/// Memory of some processes together, in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident; what two processes share counts twice.
    pub(crate) rss_kib: u64,
    /// Proportional; what two processes share counts once.
    pub(crate) pss_kib: u64,
}

/// Returns the memory of the processes.
pub(crate) fn memory(pids: &[u32]) -> anyhow::Result<Memory> {
    let mut memory = Memory { rss_kib: 0, pss_kib: 0 };
    for pid in pids {
        memory.rss_kib += field(&format!("/proc/{pid}/status"), "VmRSS:")?;
        memory.pss_kib += field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")?;
    }
    Ok(memory)
}

/// Raises this process's limit of open files, and so its children's, as far as it may.
pub(crate) fn raise_file_limit() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

struct Stat {
    parent: u32,
    ticks: u64,
}

/// proc_pid_stat(5). The name, second, may hold spaces and parentheses: count from its last one.
fn stat(pid: u32) -> anyhow::Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = text.rsplit_once(')').context("stat without a name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number =
        |at: usize| -> anyhow::Result<u64> { Ok(fields.get(at).context("stat too short")?.parse()?) };
    // state is field 3 and stands at 0; utime, stime, cutime, cstime are 14 to 17.
    let ticks = number(11)? + number(12)? + number(13)? + number(14)?;
    Ok(Stat { parent: u32::try_from(number(1)?)?, ticks })
}

fn field(file: &str, name: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let value =
        text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("{name} in {file}"))?;
    Ok(value.trim().trim_end_matches(" kB").parse()?)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Instant;

    use super::*;

    #[test]
    fn work_of_this_process_shows_as_its_time() {
        let me = [std::process::id()];
        let (before, started) = (cpu(&me).unwrap(), Instant::now());
        while cpu(&me).unwrap() < before + Duration::from_millis(50) {
            assert!(started.elapsed() < Duration::from_secs(60), "a busy loop was not charged");
        }
    }

    #[test]
    fn tree_holds_children_and_their_memory_counts() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let tree = tree(std::process::id()).unwrap();
        assert!(tree.contains(&child.id()));
        let (one, all) = (memory(&tree[..1]).unwrap(), memory(&tree).unwrap());
        assert!(all.rss_kib > one.rss_kib && one.rss_kib >= one.pss_kib / 2);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
