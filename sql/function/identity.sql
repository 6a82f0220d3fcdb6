-- People of identity providers. Nobody who is here already is ever taken for one of them, whatever handle or e-mail
-- address the provider tells.

-- Makes the user where it is not there. The handle or e-mail address that somebody has already is left out; a handle is then
-- made from the id. False: it was there.
drop function if exists identity_make;
create function identity_make(in_user uuid, in_issuer text, in_subject text, in_handle text, in_name text, in_email text,
	in_avatar text, in_told_at timestamptz) returns boolean
language plpgsql as $$
declare
	hex text := replace(in_user::text, '-', '');
	handles text[] := array[in_handle, in_handle, 'user-' || left(hex, 24), 'user-' || left(hex, 24),
		'user-' || left(replace(gen_random_uuid()::text, '-', ''), 24)];
	emails text[] := array[in_email, null, in_email, null, null];
begin
	if exists (select from users u where u.id = in_user) then
		return false;
	end if;
	for i in 1..5 loop
		continue when handles[i] is null;
		insert into users (id, handle, display_name, email, avatar_url)
		values (in_user, handles[i], coalesce(in_name, handles[i]), emails[i], in_avatar)
		on conflict do nothing;
		if found then
			insert into identities (user_id, issuer, subject, provider_updated_at)
			values (in_user, in_issuer, in_subject, in_told_at);
			return true;
		end if;
		-- another request was quicker
		exit when exists (select from users u where u.id = in_user);
	end loop;
	return false;
end
$$;

-- A session that lasts until in_expires_at at least, on a device that is made for it. Refused: it has ended, or is
-- somebody else's. Who calls has locked the user's row.
drop function if exists identity_session;
create function identity_session(in_user uuid, in_session uuid, in_device uuid, in_expires_at timestamptz) returns void
language plpgsql as $$
begin
	insert into devices (user_id, id)
	values (in_user, in_device)
	on conflict (user_id, id) do update set last_used_at = now();
	insert into sessions (id, user_id, device_id, refresh_expires_at)
	values (in_session, in_user, in_device, in_expires_at)
	on conflict (id) do update
	set refresh_expires_at = greatest(sessions.refresh_expires_at, excluded.refresh_expires_at), last_used_at = now()
	where sessions.user_id = excluded.user_id and sessions.revoked_at is null;
	if not found then
		perform session_refuse();
	end if;
	-- as session_create does: what is long over goes
	delete from sessions s
	where s.id = any(array(select o.id from sessions o
			where o.revoked_at < now() - interval '60 days'
				and (o.refresh_hash is not null or o.refresh_expires_at < now())
			order by o.revoked_at
			limit 4
			for update skip locked)
		|| array(select o.id from sessions o
			where o.user_id = in_user and o.revoked_at is null and o.refresh_expires_at < now() - interval '60 days'
			limit 4
			for update skip locked));
end
$$;

-- A token of a provider that nobody has seen before. Makes what it tells of; refused when its user may not come in.
drop function if exists identity_seen;
create function identity_seen(in_user uuid, in_issuer text, in_subject text, in_session uuid, in_device uuid,
	in_expires_at timestamptz, in_handle text, in_name text, in_email text, in_avatar text) returns void
language plpgsql as $$
begin
	-- another worker has seen it, or one of the same session that lasts as long
	if exists (select from sessions s join users u on u.id = s.user_id
		where s.id = in_session and s.user_id = in_user and s.revoked_at is null
			and s.refresh_expires_at >= in_expires_at and u.deleted_at is null and u.disabled_at is null) then
		return;
	end if;
	-- who has been shut out may come again and again: that is to cost no write
	if exists (select from sessions s where s.id = in_session and (s.user_id <> in_user or s.revoked_at is not null)) then
		perform session_refuse();
	end if;
	perform identity_make(in_user, in_issuer, in_subject, in_handle, in_name, in_email, in_avatar, null);
	perform from users u where u.id = in_user and u.deleted_at is null and u.disabled_at is null for no key update;
	if not found then
		perform session_refuse();
	end if;
	perform identity_session(in_user, in_session, in_device, in_expires_at);
end
$$;

-- Is this webhook received for the first time? One that was is not received again, also when both come at once: the second
-- waits for what becomes of the first.
drop function if exists webhook_receive;
create function webhook_receive(in_webhook text) returns boolean
language plpgsql as $$
begin
	insert into webhook_ids (id) values (in_webhook) on conflict (id) do nothing;
	if not found then
		return false;
	end if;
	delete from webhook_ids w
	where w.id = any(array(select o.id from webhook_ids o
		where o.received_at < now() - interval '30 days'
		order by o.received_at
		limit 8
		for update skip locked));
	return true;
end
$$;

-- What a provider tells of a person as of in_told_at: made, or its profile changed. What came of it: created, updated,
-- repeated, stale (something newer was told) or erased (the account is gone for good).
drop function if exists identity_told;
create function identity_told(in_webhook text, in_user uuid, in_issuer text, in_subject text, in_told_at timestamptz,
	in_handle text, in_name text, in_email text, in_avatar text) returns text
language plpgsql as $$
begin
	if not webhook_receive(in_webhook) then
		return 'repeated';
	end if;
	if identity_make(in_user, in_issuer, in_subject, in_handle, in_name, in_email, in_avatar, in_told_at) then
		return 'created';
	end if;
	perform from users u where u.id = in_user and u.deleted_at is null for no key update;
	if not found then
		return 'erased';
	end if;
	update identities i set provider_updated_at = in_told_at
	where i.user_id = in_user and coalesce(i.provider_updated_at <= in_told_at, true);
	if not found then
		return 'stale';
	end if;
	update users u set display_name = coalesce(in_name, u.display_name), avatar_url = in_avatar, updated_at = now()
	where u.id = in_user;
	begin
		update users u set handle = in_handle where u.id = in_user and u.handle <> in_handle;
	exception when unique_violation then
		null; -- somebody has it: the present one stays
	end;
	begin
		update users u set email = in_email where u.id = in_user and u.email is distinct from in_email;
	exception when unique_violation then
		update users u set email = null where u.id = in_user;
	end;
	return 'updated';
end
$$;

-- A person who is gone at the provider and never was here: from now on it was, and is erased, so that a token that is still
-- about makes nobody.
drop function if exists identity_bury;
create function identity_bury(in_user uuid, in_issuer text) returns void
language plpgsql as $$
begin
	insert into users (id, handle, display_name, deleted_at)
	values (in_user, 'deleted-' || right(replace(gen_random_uuid()::text, '-', ''), 24), 'Deleted user', now())
	on conflict do nothing;
	if found then
		insert into identities (user_id, issuer) values (in_user, in_issuer);
	end if;
end
$$;

-- Puts the keys of in_keys, a list of JSON Web Keys, in the place of those that the issuer had, and tells it where that is a
-- change. True: it is.
drop function if exists identity_keys_put;
create function identity_keys_put(in_issuer text, in_keys json, in_event uuid) returns boolean
language plpgsql as $$
declare
	gone bigint;
	come bigint;
begin
	-- one at a time
	perform pg_advisory_xact_lock(hashtextextended('identity_keys', 0));
	delete from identity_keys k
	where k.issuer = in_issuer
		and not exists (select from json_array_elements(in_keys) as e (jwk)
			where e.jwk->>'kid' = k.kid and e.jwk::text = k.jwk);
	get diagnostics gone = row_count;
	insert into identity_keys (issuer, kid, jwk)
	select in_issuer, e.jwk->>'kid', e.jwk::text
	from json_array_elements(in_keys) as e (jwk)
	on conflict (issuer, kid) do nothing;
	get diagnostics come = row_count;
	if gone + come = 0 then
		return false;
	end if;
	perform pg_logical_emit_message(true, 'parley', json_build_object(
		'type', 'identity.keys', 'event_id', in_event, 'at', clock_timestamp(), 'issuer', in_issuer)::text);
	return true;
end
$$;
