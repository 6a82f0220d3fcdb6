-- Waits until every transaction that is under way now can be seen to be over, or for in_most_ms. What a record of the WAL tells is
-- decoded when its commit is flushed: some moments before other connections see it, or long before where a replica is waited for.
-- Whoever has been told, and then reads what was changed, calls this in between. A transaction that writes for
-- minutes is not waited for, hence the bound.
drop function if exists transaction_settle;
create function transaction_settle(in_most_ms bigint) returns void language plpgsql volatile as $$
declare
	-- whoever is under way has a lesser one; a snapshot's xmax may be among theirs
	own xid8 := pg_current_xact_id();
	until timestamptz := clock_timestamp() + in_most_ms * interval '1 millisecond';
begin
	-- each look has a snapshot of its own
	while pg_snapshot_xmin(pg_current_snapshot()) < own and clock_timestamp() < until loop
		perform pg_sleep(0.005);
	end loop;
end
$$;
