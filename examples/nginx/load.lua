-- Eight connections that pause between requests: never more than some 200 requests a second.
wrk.headers["Accept-Encoding"] = "gzip"
answers, bytes = 0, 0

function setup(thread)
  the_thread = thread
end

function delay()
  return math.random(20, 60)
end

function response(status, headers, body)
  if status == 200 then
    answers = answers + 1
    bytes = bytes + #body
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  local seconds = summary.duration / 1e6
  io.write(string.format(
    'kpis "p95_latency_ms":%.3f,"throughput_rps":%.1f,"error_ratio":%.4f,"answer_bytes":%.0f\n',
    latency:percentile(95) / 1000,
    math.max(0, summary.requests - failed) / seconds,
    failed / math.max(1, summary.requests),
    the_thread:get("bytes") / math.max(1, the_thread:get("answers"))
  ))
end
