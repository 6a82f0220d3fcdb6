-- Sessions: whether one is alive.

-- What session_check calls for a caller whose session has ended.
drop function if exists session_refuse;
create function session_refuse() returns void language plpgsql as $$
begin
	raise exception 'the session has ended' using errcode = '28R01';
end
$$;
