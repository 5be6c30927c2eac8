-- Plans are made for any workspace. Of a few large ones the planner would take each for a good part of the table,
-- and read all of it for every one, however small. What a workspace has does not depend on how many there are:
-- about a hundred devices. It counts from the next statistics of each table on.
ALTER TABLE devices ALTER COLUMN workspace_id SET (n_distinct = -0.01);
ALTER TABLE snapshots ALTER COLUMN workspace_id SET (n_distinct = -0.01);
ALTER TABLE device_absences ALTER COLUMN workspace_id SET (n_distinct = -0.01);
ALTER TABLE rejections ALTER COLUMN workspace_id SET (n_distinct = -0.01);
