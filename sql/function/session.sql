-- Sessions: whether one is alive, refreshing it, ending it. Whoever changes a user's sessions locks the user's row first:
-- so a sign-in or refresh under way cannot outlive what ends all of them, and no two can wait for each other.

-- What session_check calls for a caller whose session has ended.
drop function if exists session_refuse;
create function session_refuse() returns void language plpgsql as $$
begin
	raise exception 'the session has ended' using errcode = '28R01';
end
$$;

-- Ends a user's sessions and tells it in one record: all, or in_session alone, or those on in_device; never in_but. Those
-- that had ended already are left as they are, and nothing is told of them. Told with them: until when tokens of identity
-- providers may speak of them (null: these are all ours, which live for minutes). The keys of devices where none is left end, too.
drop function if exists session_end;
create function session_end(in_user uuid, in_session uuid, in_device uuid, in_but uuid, in_event uuid) returns void
language plpgsql as $$
declare
	ended json;
	until_at timestamptz;
	places uuid[];
begin
	perform from users u where u.id = in_user for no key update;
	with gone as (
		update sessions s
		set revoked_at = clock_timestamp()
		where s.user_id = in_user and s.revoked_at is null
			and (in_session is null or s.id = in_session)
			and (in_device is null or s.device_id = in_device)
			and (in_but is null or s.id <> in_but)
		returning s.id, s.device_id, case when s.refresh_hash is null then s.refresh_expires_at end as until_at
	)
	select json_agg(g.id), max(g.until_at), array_agg(g.device_id) into ended, until_at, places from gone g;
	perform device_key_end(in_user, places || in_device);
	if ended is not null then
		perform pg_logical_emit_message(true, 'parley', json_build_object(
			'type', 'session.revoked', 'event_id', in_event, 'at', clock_timestamp(),
			'user_id', in_user, 'session_ids', ended, 'until', until_at)::text);
	end if;
end
$$;

-- Puts in_next in the place of the refresh token of in_hash. Nulls: refused. A token of the family that is not the valid
-- one was valid before: it is used a second time, by whom nobody knows, and that ends the session.
drop function if exists session_refresh;
create function session_refresh(in_family bytea, in_hash bytea, in_next bytea, in_ttl_s bigint, in_event uuid,
	out session_id uuid, out user_id uuid, out device_id uuid)
language plpgsql as $$
#variable_conflict use_column
declare
	mine record;
begin
	select s.user_id as owner_id into mine from sessions s where s.refresh_family = in_family;
	perform from users u where u.id = mine.owner_id for no key update;
	-- as it is now that nobody else changes it
	select s.id, s.user_id as owner_id, s.device_id as place_id, s.refresh_hash, s.refresh_expires_at into mine
	from sessions s
	where s.refresh_family = in_family and s.revoked_at is null;
	if not found then
		return;
	end if;
	if mine.refresh_hash <> in_hash then
		perform session_end(mine.owner_id, mine.id, null, null, in_event);
		return;
	end if;
	if mine.refresh_expires_at <= now() then
		return;
	end if;
	update sessions s
	set refresh_hash = in_next, refresh_expires_at = now() + in_ttl_s * interval '1 second', last_used_at = now()
	where s.id = mine.id;
	update devices d set last_used_at = now() where d.user_id = mine.owner_id and d.id = mine.place_id;
	session_id := mine.id;
	user_id := mine.owner_id;
	device_id := mine.place_id;
end
$$;
