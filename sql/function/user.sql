-- What a person does to the account as a whole.

-- Sets a password and ends every session but in_session, of which the caller is (null: of none); refused when that has ended,
-- as it may while the password was checked. False, and nothing happens: the password has been changed since in_changed_at, with
-- which the caller's was checked, or the account is erased.
drop function if exists user_password_change;
create function user_password_change(in_user uuid, in_changed_at timestamptz, in_hash text, in_session uuid,
	in_event uuid) returns boolean
language plpgsql as $$
begin
	-- first: what ends the session is waited for here, and seen by what follows
	perform from users u where u.id = in_user for no key update;
	if in_session is not null and not exists (
		select from sessions s where s.id = in_session and s.user_id = in_user and s.revoked_at is null) then
		perform session_refuse();
	end if;
	update users u
	set password_hash = in_hash, password_changed_at = clock_timestamp(), updated_at = now()
	where u.id = in_user and u.deleted_at is null and u.password_changed_at is not distinct from in_changed_at;
	if not found then
		return false;
	end if;
	perform session_end(in_user, null, null, in_session, in_event);
	return true;
end
$$;

-- Takes a user who is being erased out of in_most groups, as by leaving each (in_said: with a system message), in the order of
-- their ids so that two who are erased at once do not wait for each other. Where it was the only owner, the admin who has been
-- in it longest takes over, or the member; that is nobody's doing.
drop function if exists user_leave;
create function user_leave(in_user uuid, in_most bigint, in_said boolean) returns void
language plpgsql as $$
declare
	room uuid;
	heir uuid;
begin
	for room in
		select c.id
		from members m
		join conversations c on c.id = m.conversation_id and c.kind = 'group'
		where m.user_id = in_user and m.left_at is null
		order by c.id
		limit in_most
	loop
		continue when member_lock(room, in_user) is null;
		heir := null;
		if not member_other_owner(room, in_user) then
			select m.user_id into heir
			from members m
			where m.conversation_id = room and m.user_id <> in_user and m.left_at is null
			order by m.role = 'admin' desc, m.joined_seq, m.joined_at, m.user_id
			limit 1;
		end if;
		perform system_pass(room, case when not in_said then 0 when heir is null then 1 else 2 end, heir, in_user);
		if heir is not null then
			perform member_tell(room, heir, 'member.updated', 0, gen_random_uuid(), null, in_said);
		end if;
		perform member_tell(room, in_user, 'member.removed', -1, gen_random_uuid(), in_user, in_said);
	end loop;
end
$$;

-- What parley-push tells the plugin of a user as a whole: user.barred, nobody comes in as it, and user.unbarred.
drop function if exists user_tell;
create function user_tell(in_type text, in_user uuid, in_event uuid) returns void language sql as $$
	select pg_logical_emit_message(true, 'parley', json_build_object(
		'type', in_type, 'event_id', in_event, 'at', clock_timestamp(), 'user_id', in_user)::text)
$$;

-- Shuts an account until user_enable: its sessions end, and no new one begins. Also when it was shut before. False: nobody, or
-- erased.
drop function if exists user_disable;
create function user_disable(in_user uuid, in_event uuid) returns boolean language plpgsql as $$
begin
	update users u set disabled_at = clock_timestamp()
	where u.id = in_user and u.deleted_at is null and u.disabled_at is null;
	if not found then
		return exists (select from users u where u.id = in_user and u.deleted_at is null);
	end if;
	-- a sign-in under way has waited for the row, or is seen now: there is no session besides these
	perform session_end(in_user, null, null, null, gen_random_uuid());
	perform user_tell('user.barred', in_user, in_event);
	return true;
end
$$;

-- Opens it again, as it was but for the sessions. The same answers.
drop function if exists user_enable;
create function user_enable(in_user uuid, in_event uuid) returns boolean language plpgsql as $$
begin
	update users u set disabled_at = null
	where u.id = in_user and u.deleted_at is null and u.disabled_at is not null;
	if not found then
		return exists (select from users u where u.id = in_user and u.deleted_at is null);
	end if;
	perform user_tell('user.unbarred', in_user, in_event);
	return true;
end
$$;

-- Erases an account: it leaves its groups, what says who it was goes, also from the lists of others, its handle is free, its
-- sessions end. Its direct conversations stay for the others, as of "Deleted user", and its messages, unless in_messages says
-- that these are deleted, one after the other from then on (sql/function/erasure.sql). False: it is in more than in_most groups
-- or blocks, or in fifty times as many contacts; so many are gone, and it is not erased yet: call again, as somebody in
-- thousands would hold them all for too long.
drop function if exists user_erase;
create function user_erase(in_user uuid, in_most bigint, in_messages boolean, in_event uuid,
	in_said boolean default true) returns boolean
language plpgsql as $$
begin
	-- the strongest lock: also waits for who is adding this user to something, and is seen by who comes later
	perform from users u where u.id = in_user for update;
	perform user_leave(in_user, in_most, in_said);
	perform block_forget(in_user, in_most);
	perform contact_forget(in_user, 50 * in_most);
	if exists (select from members m join conversations c on c.id = m.conversation_id and c.kind = 'group'
			where m.user_id = in_user and m.left_at is null)
		or exists (select from blocks b where b.user_id = in_user or b.blocked_id = in_user)
		or exists (select from contacts c where c.user_id = in_user or c.contact_id = in_user) then
		return false;
	end if;
	delete from password_resets r
	where r.user_id = in_user or lower(r.email) = (select lower(u.email) from users u where u.id = in_user);
	update users u
	set handle = 'deleted-' || right(replace(gen_random_uuid()::text, '-', ''), 24),
		display_name = 'Deleted user', email = null, password_hash = null, avatar_url = null, bio = null,
		locale = null, settings = '{}', updated_at = now(), deleted_at = now()
	where u.id = in_user and u.deleted_at is null;
	if not found then
		return true;
	end if;
	update devices d set name = null, platform = null where d.user_id = in_user;
	update identities i set subject = null where i.user_id = in_user;
	perform session_end(in_user, null, null, null, in_event);
	perform device_key_forget(in_user);
	perform user_tell('user.barred', in_user, gen_random_uuid());
	if in_messages then
		insert into erasures (user_id, requested_at) values (in_user, now());
		perform pg_notify('parley_notify', '');
	end if;
	return true;
end
$$;

-- Of a search: to start workers takes longer than to read a page, and how short a page is the planner does not see.
alter function search_term(text) parallel unsafe;
