-- Renew many leases of one model's queue.
-- args: model, ids, tokens, lease_ms
-- reads: job:<id>; writes: BullMQ's locks and stalled
-- answers: {ids lost, ids cancelled}
local q = queue_of(args.model)
local failed = extendLocks({q .. 'stalled'}, {q, cmsgpack.pack(args.tokens), cmsgpack.pack(args.ids), args.lease_ms})
return gone(failed)
