-- Health of kind InsightModel for Argo CD: the value of resource.customizations.health.touchline.dev_InsightModel in argocd-cm.
local hs = {}
local generation = obj.metadata ~= nil and obj.metadata.generation or nil
local status = obj.status or {}
local conditions = {}
for _, each in ipairs(status.conditions or {}) do
  conditions[each.type] = each
end

local function is(kind, value)
  return conditions[kind] ~= nil and conditions[kind].status == value
end

local function said(kind)
  local found = conditions[kind]
  if found == nil then
    return ""
  end
  if found.message == nil or found.message == "" then
    return found.reason or ""
  end
  return (found.reason or kind) .. ": " .. found.message
end

if is("Paused", "True") then
  hs.status = "Suspended"
  hs.message = said("Paused")
  return hs
end
if status.observedGeneration == nil or (generation ~= nil and status.observedGeneration ~= generation) then
  hs.status = "Progressing"
  hs.message = "the operator has not acted on the last change yet"
  return hs
end
if is("Ready", "True") then
  hs.status = "Healthy"
  hs.message = said("Ready")
  if is("Degraded", "True") then
    hs.message = hs.message .. "; but " .. said("Degraded")
  end
  if is("Executed", "False") then
    hs.message = hs.message .. "; but " .. said("Executed")
  end
  if is("Recorded", "False") then
    hs.message = hs.message .. "; but " .. said("Recorded")
  end
  return hs
end
if is("Ready", "False") then
  hs.message = said("Ready")
  -- Not ready for the very reason that something is under way; any other reason does not go away by itself.
  if is("Progressing", "True") and conditions.Progressing.reason == conditions.Ready.reason then
    hs.status = "Progressing"
  else
    hs.status = "Degraded"
  end
  return hs
end
hs.status = "Progressing"
hs.message = said("Ready")
return hs
