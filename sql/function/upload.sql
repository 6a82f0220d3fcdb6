-- Files that are uploaded.

-- What somebody has uploaded, which stays so until the end of the transaction.
drop function if exists attachment_hold_usage;
create function attachment_hold_usage(in_owner uuid) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
begin
	insert into attachment_usage (user_id, bytes) values (in_owner, 0) on conflict (user_id) do nothing;
	return (select u.bytes from attachment_usage u where u.user_id = in_owner for no key update);
end
$$;

-- Lets go of content that was held until in_until, and is in place, and keeps it from a sweep until the end of the transaction. False:
-- it was held for too long, and may have been removed.
drop function if exists attachment_let_go;
create function attachment_let_go(in_sha256 bytea, in_until timestamptz) returns boolean
language plpgsql as $$
begin
	-- who has held it after us lets go of it, too
	update attachment_loose l
	set due_at = case when l.due_at <= in_until then now() else l.due_at end
	where l.sha256 = in_sha256;
	if found then
		return true;
	end if;
	insert into attachment_loose as l (sha256, due_at) values (in_sha256, now())
	on conflict (sha256) do update set due_at = l.due_at;
	-- a sweep has seen that another file names it, which is so if it still is
	return exists (select from attachments a where a.sha256 = in_sha256);
end
$$;

-- A file whose content is in place. outcome: ok; quota: the owner would have more than in_quota bytes (null: any number); late: it was
-- held for too long. Two uploads of one person are counted one after the other.
drop function if exists attachment_add;
create function attachment_add(in_id uuid, in_owner uuid, in_sha256 bytea, in_name text, in_media_type text, in_size bigint,
	in_width integer, in_height integer, in_thumbnail_bytes integer, in_held_until timestamptz, in_quota bigint, out outcome text)
language plpgsql as $$
begin
	-- first, as a sweep has it
	if not attachment_let_go(in_sha256, in_held_until) then
		outcome := 'late';
		return;
	end if;
	perform from attachment_hold_usage(in_owner) as used where used + in_size > in_quota;
	if found then
		outcome := 'quota';
		return;
	end if;
	insert into attachments (id, owner_id, sha256, name, media_type, size, width, height, thumbnail_bytes, created_at)
	values (in_id, in_owner, in_sha256, in_name, in_media_type, in_size, in_width, in_height, in_thumbnail_bytes,
		clock_timestamp());
	outcome := 'ok';
end
$$;
