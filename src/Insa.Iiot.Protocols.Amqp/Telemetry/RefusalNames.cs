namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>The names of reasons in metrics.</summary>
internal static class RefusalNames
{
    public const string UnknownDevice = "unknown_device";
    public const string BadRoutingKey = "bad_routing_key";
    public const string BadUserId = "bad_user_id";
    public const string NoDeviceId = "no_device_id";
    public const string UntrustedUser = "untrusted_user";
    public const string DeliveryLimit = "delivery_limit";

    public static string Of(IngestReason reason) =>
        reason switch
        {
            IngestReason.TenantInactive => "tenant_inactive",
            IngestReason.DeviceNotAllowed => "device_not_allowed",
            IngestReason.QuotaExceeded => "quota_exceeded",
            IngestReason.RateLimited => "rate_limited",
            IngestReason.UnsupportedFormat => "unsupported_format",
            IngestReason.MessageTooLarge => "message_too_large",
            IngestReason.LaneFull => "lane_full",
            IngestReason.Stopping => "stopping",
            IngestReason.Unstorable => "unstorable",
            _ => "malformed",
        };
}
