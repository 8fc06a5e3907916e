-- What a group has not read is known from its first entry on, and is never negative.

-- Enter a group; the caller's session already holds the member's lock. Where the group has read
-- nothing yet its place is noted: what goes past its retention before it reads is then missed.
CREATE OR REPLACE FUNCTION join_group(of_group text, member int, of_topics text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(group_class(), hashtext(of_group));
    INSERT INTO consumer_groups (name) VALUES (of_group) ON CONFLICT DO NOTHING;
    INSERT INTO commits (group_name, partition_id, record_offset)
    SELECT of_group, p.id, p.first_offset FROM partitions p WHERE p.topic = ANY (of_topics)
    ON CONFLICT DO NOTHING;
    DELETE FROM members WHERE group_name = of_group AND is_dead(id);
    INSERT INTO members (id, group_name, topics) VALUES (member, of_group, of_topics);
    PERFORM begin_generation(of_group);
END $$;

-- Commit positions, if the member is of the present generation; says whether it was. A commit
-- never steps back, unless it lies beyond the end of a partition that was made anew.
CREATE OR REPLACE FUNCTION commit_positions(
    of_group text, member int, of_generation bigint, ids int[], positions bigint[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- Lost in a crash of the server it is read again: not worth a wait for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock_shared(group_class(), hashtext(of_group));
    PERFORM FROM members m JOIN consumer_groups g ON g.name = m.group_name
    WHERE m.id = member AND g.name = of_group AND g.generation = of_generation;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO commits AS c (group_name, partition_id, record_offset)
    SELECT of_group, u.id, u.place FROM unnest(ids, positions) AS u (id, place)
    ON CONFLICT (group_name, partition_id)
    DO UPDATE SET record_offset = CASE
        WHEN c.record_offset > (SELECT next_offset FROM partitions WHERE id = c.partition_id)
        THEN excluded.record_offset ELSE greatest(c.record_offset, excluded.record_offset) END;
    RETURN true;
END $$;
