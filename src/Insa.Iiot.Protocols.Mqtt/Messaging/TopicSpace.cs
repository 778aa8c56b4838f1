namespace Insa.Iiot.Protocols.Mqtt.Messaging;

/// <summary>The topics of one device: isolated by construction, since all of them are kept below its tenant's and its own name.</summary>
/// <remarks>Neither name can hold <c>/ + #</c>, so nothing a client writes leads out of its space.</remarks>
internal sealed class TopicSpace(TenantId tenant, DeviceId device)
{
    private static readonly string[] Roots = ["commands", "responses", "status"];

    private readonly string _prefix = $"{tenant.Value}/{device.Value}/";

    public string ToInternal(string topic) => _prefix + topic;

    public string ToExternal(string topic) => topic[_prefix.Length..];

    /// <summary>Whether a client may publish to a topic that is not telemetry. A misspelt telemetry topic must be refused, not taken and dropped.</summary>
    public static bool MayPublish(string topic) =>
        Array.Exists(Roots, root => topic == root || (topic.StartsWith(root, StringComparison.Ordinal) && topic[root.Length] == '/'));

    /// <summary>Whether a client may subscribe to a filter: <c>$</c> topics are the server's (MQTT 5 §4.7.2), and telemetry goes to the store and is not sent on.</summary>
    public static bool MaySubscribe(string filter) => !filter.StartsWith('$') && !IsTelemetry(filter);

    /// <summary>Whether a filter is one (MQTT 5 §4.7.1): <c>#</c> stands last, and both wildcards fill their level.</summary>
    public static bool IsFilter(string filter)
    {
        if (filter.Length == 0)
            return false;
        var levels = filter.Split('/');
        for (var i = 0; i < levels.Length; i++)
        {
            if (levels[i].Contains('#', StringComparison.Ordinal) && (levels[i].Length > 1 || i < levels.Length - 1))
                return false;
            if (levels[i].Contains('+', StringComparison.Ordinal) && levels[i].Length > 1)
                return false;
        }

        return true;
    }

    private static bool IsTelemetry(string topic) => topic == "telemetry" || topic.StartsWith("telemetry/", StringComparison.Ordinal);
}
