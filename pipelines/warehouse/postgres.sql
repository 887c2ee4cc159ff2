-- What the ledger needs on a server beside schema.sql: ways to its rows, and what its tables are.
create index if not exists load_slice on ops.load (source, feed, instance, part, first_day);
create unique index if not exists load_order on ops.load (load_no);
create index if not exists load_event_load on ops.load_event (load_id);
create index if not exists offer_load on ops.offer (load_id);
create index if not exists load_result_load on ops.load_result (load_id);
create index if not exists quarantine_load on ops.quarantine (load_id, row_no);
create index if not exists flagged_row_load on ops.flagged_row (load_id);
comment on table ops.load is 'One row for each load: a delivery taken through the gate. Only added to.';
comment on table ops.load_event is 'What was decided about each load, in order: who, when, why, until. Only added to.';
comment on table ops.load_result is 'One row for each evaluated expectation of each load.';
comment on table ops.quarantine is 'Rows kept back by the gate, whole, with their reasons.';
comment on table ops.flagged_row is 'Rows that were accepted with a warning.';
comment on table ops.offer is 'Each offer that was ever taken, with its cheap fingerprint.';
comment on table ops.build is 'One row for each build of the marts: whether it went well, up to which decision of the ledger.';
comment on table ops.index_build is 'From which build the indices were computed.';
comment on table ops.release is 'Every release that was cut: by whom, of what, as of when. Only added to.';
comment on view ops.effective_load is 'Loads that count today: accepted or waived, and not superseded.';
comment on view ops.load_state is 'Every load with its state today.';
