-- Each connection waits before its next request, for as many milliseconds as is said after `--`; wrk does not count it.
local pauseMs

function init(args)
  pauseMs = tonumber(args[1])
end

function delay()
  return pauseMs
end
