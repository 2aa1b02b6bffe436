-- Health of a SlackConfig or SlackReceiver for Argo CD, from its conditions.
-- Whether Slack takes messages (condition Delivering) is no matter of a Git sync, and not asked.
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not looked at it yet"}
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

if obj.spec.enabled == false then
  return {status = "Healthy", message = "disabled (spec.enabled is false): nothing is sent"}
end
local stalled = conditions.Stalled
if stalled ~= nil and stalled.status == "True" then
  return {status = "Degraded", message = stalled.message}
end
local ready = conditions.Ready
if ready == nil or ready.status == "Unknown" then
  return {status = "Progressing", message = ready and ready.message or "not known to be ready yet"}
end
if ready.status == "True" then
  return {status = "Healthy", message = ready.message}
end
return {status = "Degraded", message = ready.message}
