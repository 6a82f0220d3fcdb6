-- Forgotten passwords: what parley-notify does for each request, and what the token of its mail does.

-- Whose account can have its password reset: it lives, is not disabled, and has a password. Who signs in elsewhere alone gets no second way in.
drop function if exists reset_allowed;
create function reset_allowed(in_user users) returns boolean language sql as $$
	select in_user.deleted_at is null and in_user.disabled_at is null and in_user.password_hash is not null
$$;

-- Takes the request that is due longest, for in_lease_s seconds: who has not said by then what came of it is thought dead, and
-- somebody else takes it. The token of in_hash, which ends in in_ttl_s seconds, is then the one of this user. Null in to_email:
-- nobody can reset by it, and it is gone: the address is nobody's, it was asked again later, the password has been changed
-- since, or it is older than in_ttl_s (expired). With the rights of its owner: parley-notify has none on people.
drop function if exists reset_take;
create function reset_take(in_hash bytea, in_ttl_s bigint, in_lease_s bigint,
	out reset_id uuid, out to_email text, out attempts bigint, out expired boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
	mine password_resets;
	owner users;
begin
	select r.* into mine
	from password_resets r
	where r.try_at <= now()
	order by r.try_at, r.id
	limit 1
	for update skip locked;
	if not found then
		return;
	end if;
	reset_id := mine.id;
	attempts := mine.tries + 1;
	expired := mine.requested_at < now() - in_ttl_s * interval '1 second';
	-- who is being erased is nobody already: that holds the user's row and will wait for this request's
	select u.* into owner from users u where lower(u.email) = lower(mine.email) for key share skip locked;
	if expired or owner.id is null or not reset_allowed(owner) or owner.password_changed_at > mine.requested_at
		or exists (select from password_resets r
			where lower(r.email) = lower(mine.email) and (r.requested_at, r.id) > (mine.requested_at, mine.id)) then
		delete from password_resets r where r.id = mine.id;
		return;
	end if;
	delete from password_resets r
	where r.user_id = owner.id and r.id <> mine.id and (r.requested_at, r.id) < (mine.requested_at, mine.id);
	update password_resets r
	set tries = mine.tries + 1, try_at = now() + in_lease_s * interval '1 second', user_id = owner.id,
		token_hash = in_hash, token_expires_at = now() + in_ttl_s * interval '1 second'
	where r.id = mine.id;
	to_email := owner.email;
end
$$;

-- Sets the password of who has the token of in_hash and ends all sessions of that user. False, and nothing happens: there is no
-- such token, or no longer.
drop function if exists reset_confirm;
create function reset_confirm(in_hash bytea, in_password_hash text, in_event uuid) returns boolean
language plpgsql as $$
declare
	owner uuid;
	asked_at timestamptz;
begin
	select r.user_id into owner from password_resets r where r.token_hash = in_hash;
	-- whoever changes a user's password or sessions locks the user's row first
	perform from users u where u.id = owner for no key update;
	delete from password_resets r where r.token_hash = in_hash and r.token_expires_at > now()
	returning r.requested_at into asked_at;
	if not found then
		return false;
	end if;
	update users u
	set password_hash = in_password_hash, password_changed_at = clock_timestamp(), updated_at = now()
	where u.id = owner and reset_allowed(u) and (u.password_changed_at is null or u.password_changed_at <= asked_at);
	if not found then
		return false;
	end if;
	delete from password_resets r where r.user_id = owner;
	perform session_end(owner, null, null, null, in_event);
	return true;
end
$$;
