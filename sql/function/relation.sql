-- What address books and blocks have in common.

-- Before in_user gets a relation to in_other: holds both, so that the relations of in_user are counted one by one and neither is
-- erased meanwhile. False: there is no such other, or it was erased. Refused: in_user was.
drop function if exists relation_begin;
create function relation_begin(in_user uuid, in_other uuid) returns boolean language plpgsql as $$
begin
	perform from users u where u.id = in_user and u.deleted_at is null for no key update;
	if not found then
		perform session_refuse();
	end if;
	perform from users u where u.id = in_other and u.deleted_at is null for key share;
	return found;
end
$$;
