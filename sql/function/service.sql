-- Services: what parley-rest may know of their tokens, and the audit log. It has no right to either table: these functions
-- run as their owner.

-- Lets a request in, or says why not. Nulls: no such token, or no longer; which of these, nobody learns. Else the token's id, the
-- id of the row in the audit log, whether it may act for people, and what is missing, if anything: the name of a scope, or 'user' where in_user is nobody
-- to act for. The token is found by its hash alone, which who guesses at tokens cannot choose byte by byte: that takes the place of a
-- compare in constant time. Takes away up to two rows of the log that are older than in_ttl_s.
drop function if exists service_enter;
create function service_enter(in_hash bytea, in_scope text, in_user uuid, in_method text, in_route text, in_targets uuid[],
	in_request_id text, in_address text, in_ttl_s bigint, out token_id uuid, out audit_id bigint, out acts boolean,
	out missing text)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
	mine record;
begin
	select t.id, t.scopes, t.last_used_at into mine
	from service_tokens t
	where t.token_hash = in_hash and t.revoked_at is null and (t.expires_at is null or t.expires_at > now());
	if not found then
		return;
	end if;
	-- The disk is not waited for. The log is written in one order, so what this request goes on to commit is not on
	-- it without this row; a crash may lose the last rows of requests that changed nothing.
	perform set_config('synchronous_commit', 'off', true);
	if mine.last_used_at is null or mine.last_used_at < now() - interval '1 minute' then
		update service_tokens t set last_used_at = now()
		where t.id = mine.id and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute');
	end if;
	token_id := mine.id;
	acts := mine.scopes && array['all', 'act-as'];
	missing := case
		when in_user is not null and not acts then 'act-as'
		when in_scope is not null and not mine.scopes && array['all', in_scope] then in_scope
		when in_user is not null and not exists (
			select from users u where u.id = in_user and u.deleted_at is null and u.disabled_at is null) then 'user'
	end;
	insert into audit (token_id, user_id, method, route, targets, request_id, remote_address)
	values (mine.id, in_user, in_method, in_route, in_targets, in_request_id, left(in_address, 64))
	returning audit.id into audit_id;
	-- only what is too old is locked, as to lock is to write; more are looked at than taken, for those who look at once
	delete from audit a
	where a.id = any(array(
		select o.id
		from (select x.id from audit x order by x.id limit 16) first
		join audit o on o.id = first.id
		where o.at < now() - in_ttl_s * interval '1 second'
		order by o.id
		limit 2
		for update of o skip locked));
end
$$;

-- Notes what a request was answered; once.
drop function if exists service_answer;
create function service_answer(in_audit bigint, in_status bigint) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
	perform set_config('synchronous_commit', 'off', true);
	update audit a set status = in_status where a.id = in_audit and a.status is null;
end
$$;
