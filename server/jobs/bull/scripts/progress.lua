-- Publish the progress of many jobs of one model's queue.
-- args: model, reports: a list of {id, token, step, num_steps, full, detail_hits, structure_hits, stepped (an event,
--   told where the step is a new one), partial (an event or nil), checkpoint or nil}
-- reads: BullMQ's locks; writes: job:<id>, ev:<id>
-- answers: {ids lost, ids cancelled}
local q, failed = queue_of(args.model), {}
for _, report in ipairs(args.reports) do
  if call('GET', q .. report.id .. ':lock') == report.token then
    local is_new = tonumber(call('HGET', job_key(report.id), 'step') or 0) ~= report.step
    call('HSET', job_key(report.id), 'step', report.step, 'num_steps', report.num_steps, 'full', report.full,
         'detail_hits', report.detail_hits, 'structure_hits', report.structure_hits)
    if report.checkpoint then
      local kept = cjson.decode(call('HGET', job_key(report.id), 'checkpoints') or '{}')
      kept[tostring(report.checkpoint.index)] = report.checkpoint
      call('HSET', job_key(report.id), 'checkpoints', cjson.encode(kept))
    end
    if is_new then
      tell(report.id, report.stepped)
    end
    if report.partial then
      tell(report.id, report.partial)
    end
  else
    failed[#failed + 1] = report.id
  end
end
return gone(failed)
