-- Prints what wrk counted as one line, for benches/load/generators.rs. One thread.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50_us":%d,"octets":%d}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), summary.bytes))
end
