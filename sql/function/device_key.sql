-- Public keys of devices: set by the device, handed out to others, ended with its last session.

-- Is the user signed in on the device? What an identity provider's last token was is no end of the session there, since it refreshes by
-- itself: for that one waits 30 days, as long as a session of ours rests by default.
drop function if exists device_alive;
create function device_alive(in_user uuid, in_device uuid) returns boolean language sql stable as $$
	select exists (select from sessions s
		where s.user_id = in_user and s.device_id = in_device and s.revoked_at is null
			and s.refresh_expires_at > now() - case when s.refresh_hash is null then interval '30 days' else interval '0' end)
$$;

-- Ends the keys of those of the devices on which the user is not signed in any more. What was handed out stays noted: the device may
-- come back with the same identity.
drop function if exists device_key_end;
create function device_key_end(in_user uuid, in_devices uuid[]) returns void language plpgsql as $$
begin
	update device_keys k
	set signed_id = null, signed_public_key = null, signed_signature = null
	where k.user_id = in_user and k.device_id = any(in_devices) and k.signed_id is not null
		and not device_alive(k.user_id, k.device_id);
	delete from one_time_prekeys o
	using device_keys k
	where k.user_id = in_user and k.device_id = any(in_devices) and k.signed_id is null
		and o.user_id = k.user_id and o.device_id = k.device_id and not o.taken;
end
$$;

-- All of somebody who is being erased.
drop function if exists device_key_forget;
create function device_key_forget(in_user uuid) returns void language plpgsql as $$
begin
	delete from one_time_prekeys o where o.user_id = in_user;
	delete from device_keys k where k.user_id = in_user;
end
$$;

-- Sets the keys of the device on which in_session is, and adds to its one-time pre-keys ([{"key_id","public_key"}]) those that are
-- new. Another identity key begins anew; under the same, a key that is there or was handed out stays so.
-- outcome: ok (one_time_left: how many are left), not_found (the user has no such device), forbidden (in_session is on another),
-- id_reused (an id is of another key), full (more than in_most would be left), crowded (so many other devices have keys that
-- in_devices would be exceeded). Only ok changes anything of this device.
drop function if exists device_key_put;
create function device_key_put(in_user uuid, in_session uuid, in_device uuid, in_identity text, in_signed_id integer,
	in_signed_key text, in_signature text, in_one_time json, in_most bigint, in_devices bigint,
	out outcome text, out one_time_left bigint)
language plpgsql as $$
declare
	place uuid;
	mine device_keys;
begin
	-- first: who ends sessions holds it as well, so that no keys come after the end
	perform from users u where u.id = in_user for no key update;
	select s.device_id into place
	from sessions s
	where s.id = in_session and s.user_id = in_user and s.revoked_at is null;
	if not found then
		perform session_refuse();
	end if;
	if place <> in_device then
		outcome := case when exists (select from devices d where d.user_id = in_user and d.id = in_device)
			then 'forbidden' else 'not_found' end;
		return;
	end if;

	-- devices that have been away for long go here: nothing else comes by them
	perform device_key_end(in_user, array(
		select k.device_id
		from device_keys k
		where k.user_id = in_user and k.signed_id is not null and not exists (select from sessions s
			where s.user_id = k.user_id and s.device_id = k.device_id and s.revoked_at is null
				and s.refresh_expires_at > now() - interval '60 days')));
	if (select count(*) from device_keys k
		where k.user_id = in_user and k.device_id <> in_device and k.signed_id is not null) >= in_devices then
		outcome := 'crowded';
		return;
	end if;
	select k.* into mine from device_keys k where k.user_id = in_user and k.device_id = in_device;
	if mine.identity_key = in_identity then
		if mine.signed_id = in_signed_id and mine.signed_public_key <> in_signed_key or exists (
			select from json_to_recordset(in_one_time) as n (key_id integer, public_key text)
			join one_time_prekeys o on o.user_id = in_user and o.device_id = in_device and o.key_id = n.key_id
			where o.public_key <> n.public_key
		) then
			outcome := 'id_reused';
			return;
		end if;
		if (select count(*) from (
				select o.key_id from one_time_prekeys o
				where o.user_id = in_user and o.device_id = in_device and not o.taken
				union all
				select n.key_id from json_to_recordset(in_one_time) as n (key_id integer)
				where not exists (select from one_time_prekeys o
					where o.user_id = in_user and o.device_id = in_device and o.key_id = n.key_id)) as wanted
			) > in_most then
			outcome := 'full';
			return;
		end if;
	else
		-- gone before others come, and never written over: who is being given one sees one identity or the other
		delete from one_time_prekeys o where o.user_id = in_user and o.device_id = in_device;
	end if;

	insert into device_keys (user_id, device_id, identity_key, signed_id, signed_public_key, signed_signature)
	values (in_user, in_device, in_identity, in_signed_id, in_signed_key, in_signature)
	on conflict (user_id, device_id) do update
	set identity_key = excluded.identity_key, signed_id = excluded.signed_id,
		signed_public_key = excluded.signed_public_key, signed_signature = excluded.signed_signature;
	insert into one_time_prekeys (user_id, device_id, key_id, public_key)
	select in_user, in_device, n.key_id, n.public_key
	from json_to_recordset(in_one_time) as n (key_id integer, public_key text)
	on conflict do nothing;
	select count(*) into one_time_left
	from one_time_prekeys o
	where o.user_id = in_user and o.device_id = in_device and not o.taken;
	outcome := 'ok';
end
$$;
