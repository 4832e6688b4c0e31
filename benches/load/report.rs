//! What is printed.

use crate::Point;
use crate::machine::Machine;
use crate::options::Options;

fn percentile(sorted: &[f64], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// The machine's limits, and what kind of run it is.
pub(crate) fn machine(m: &Machine, options: &Options) {
    println!("machine, one thread each, {} cores:", m.cores);
    println!(
        "  {:>8.0} appends of 2 KB with fdatasync per second (p50 {:.2} ms, p99 {:.2} ms)",
        m.syncs, m.sync_ms.0, m.sync_ms.1
    );
    println!("  {:>8.0} Ed25519 signatures of 2 KB made per second", m.ed25519_signed);
    println!("  {:>8.0} Ed25519 signatures of 2 KB checked per second", m.ed25519_checked);
    println!("  {:>8.0} ES256 signatures of 2 KB checked per second", m.es256_checked);
    println!("  {:>8.0} MB per second through SHA-256", m.sha256_mb);
    if options.sync_delay_ms > 0 {
        println!("each sync of a file takes {} ms longer (Disk port)", options.sync_delay_ms);
    }
    println!();
}

/// One point with everything known of it.
pub(crate) fn point(point: &Point, options: &Options) {
    let o = &point.outcome;
    println!(
        "{} tiers, {} in flight: {:.0} dispatches/s ({} in {:.1} s); accepted p50 {:.1} ms, p99 {:.1} ms; \
         final receipt p50 {:.1} ms, p99 {:.1} ms; sealed {} bytes",
        point.tiers,
        point.in_flight,
        o.rate(),
        o.done,
        o.elapsed.as_secs_f64(),
        percentile(&o.accepted_ms, 0.50),
        percentile(&o.accepted_ms, 0.99),
        percentile(&o.done_ms, 0.50),
        percentile(&o.done_ms, 0.99),
        o.sealed_bytes,
    );
    let per = |n: u64| n as f64 / o.done.max(1) as f64;
    for u in &point.used {
        let mut threads: Vec<(&String, &u64)> =
            u.cpu_ms.iter().filter(|(_, ms)| **ms > 0).collect();
        threads.sort_by_key(|(_, ms)| std::cmp::Reverse(**ms));
        let threads: Vec<String> =
            threads.iter().map(|(name, ms)| format!("{name} {:.0}", per(**ms) * 1e3)).collect();
        let disk = if u.syncs > 0 {
            format!(
                "; {:.3} syncs and {:.1} KB written per dispatch; peak {} MiB",
                per(u.syncs + u.dir_syncs),
                per(u.written_bytes) / 1e3,
                u.peak_memory_bytes >> 20
            )
        } else {
            String::new()
        };
        println!(
            "  {:<14} {:>5.0} µs CPU per dispatch ({}){disk}",
            u.name,
            per(u.cpu_ms_all()) * 1e3,
            threads.join(", ")
        );
    }
    if options.json {
        println!("{}", json(point, options));
    }
    println!();
}

fn json(point: &Point, options: &Options) -> serde_json::Value {
    let o = &point.outcome;
    let nodes: Vec<serde_json::Value> = point
        .used
        .iter()
        .map(|u| {
            serde_json::json!({
                "name": u.name, "cpu_ms": u.cpu_ms, "syncs": u.syncs, "dir_syncs": u.dir_syncs,
                "written_bytes": u.written_bytes, "peak_memory_bytes": u.peak_memory_bytes,
            })
        })
        .collect();
    serde_json::json!({
        "tiers": point.tiers, "in_flight": point.in_flight, "sync_delay_ms": options.sync_delay_ms,
        "done": o.done, "elapsed_s": o.elapsed.as_secs_f64(), "per_second": o.rate(),
        "accepted_p50_ms": percentile(&o.accepted_ms, 0.50),
        "accepted_p99_ms": percentile(&o.accepted_ms, 0.99),
        "done_p50_ms": percentile(&o.done_ms, 0.50), "done_p99_ms": percentile(&o.done_ms, 0.99),
        "processes": nodes,
    })
}

/// All points as one table, in Markdown.
pub(crate) fn summary(points: &[Point], options: &Options) {
    println!(
        "| tiers | in flight | dispatches/s | accepted p50 ms | final receipt p50 ms | p99 ms | \
         CPU µs per dispatch: driver, nodes | syncs per dispatch and node, most |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for p in points {
        let o = &p.outcome;
        let per = |n: u64| n as f64 / o.done.max(1) as f64;
        let cpu: Vec<String> =
            p.used.iter().map(|u| format!("{:.0}", per(u.cpu_ms_all()) * 1e3)).collect();
        let syncs = p.used.iter().map(|u| per(u.syncs + u.dir_syncs)).fold(0.0, f64::max);
        println!(
            "| {} | {} | {:.0} | {:.1} | {:.1} | {:.1} | {} | {:.3} |",
            p.tiers,
            p.in_flight,
            o.rate(),
            percentile(&o.accepted_ms, 0.50),
            percentile(&o.done_ms, 0.50),
            percentile(&o.done_ms, 0.99),
            cpu.join(", "),
            syncs
        );
    }
    for tiers in &options.tiers {
        let rate = |k| {
            let found = points.iter().find(|p| p.tiers == *tiers && p.in_flight == k);
            found.map(|p| p.outcome.rate())
        };
        if let (Some(one), Some(many)) = (rate(1), rate(256)) {
            println!("{tiers} tiers: 256 in flight give {:.1} times as much as 1", many / one);
        }
    }
}
