namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Says what the ingress did in CoAP's terms.</summary>
internal static class IngestAnswer
{
    private static readonly TimeSpan BusyFor = TimeSpan.FromSeconds(2);

    public static CoapCode CodeOf(IngestReason reason) =>
        reason switch
        {
            IngestReason.None => CoapCode.Changed,
            IngestReason.LaneFull or IngestReason.Stopping => CoapCode.ServiceUnavailable,
            IngestReason.TenantInactive or IngestReason.DeviceNotAllowed => CoapCode.Forbidden,
            IngestReason.QuotaExceeded or IngestReason.RateLimited => CoapCode.TooManyRequests,
            IngestReason.UnsupportedFormat => CoapCode.UnsupportedContentFormat,
            IngestReason.MessageTooLarge => CoapCode.RequestEntityTooLarge,
            IngestReason.Unstorable => CoapCode.UnprocessableEntity,
            _ => CoapCode.BadRequest,
        };

    /// <summary>When to try again: RFC 8516 §4 for quotas, RFC 7252 §5.9.3.4 for want of room.</summary>
    public static TimeSpan MaxAgeOf(IngestReason reason, TimeSpan retryAfter) =>
        reason switch
        {
            IngestReason.LaneFull or IngestReason.Stopping => BusyFor,
            IngestReason.QuotaExceeded or IngestReason.RateLimited => retryAfter,
            _ => default,
        };

    public static ReadOnlySpan<byte> DiagnosticOf(IngestReason reason) =>
        reason switch
        {
            IngestReason.TenantInactive => "the tenant is not active"u8,
            IngestReason.DeviceNotAllowed => "not a device this credential may speak for"u8,
            IngestReason.QuotaExceeded => "the quota is used up"u8,
            IngestReason.RateLimited => "too many messages"u8,
            IngestReason.UnsupportedFormat => "no decoder for this content-format"u8,
            IngestReason.Malformed => "the payload cannot be read"u8,
            IngestReason.Empty => "no value in the payload"u8,
            IngestReason.TooDeep => "nested too deep"u8,
            IngestReason.TooManyMetrics => "too many metrics"u8,
            IngestReason.NameTooLong => "a metric's name is too long"u8,
            IngestReason.NameInvalid => "a metric's name is not valid"u8,
            IngestReason.DuplicateMetric => "a metric stands there twice"u8,
            IngestReason.NotFinite => "a value is no finite number"u8,
            IngestReason.TimestampInvalid => "a time cannot be read"u8,
            IngestReason.TimestampOutOfRange => "a time is out of range"u8,
            IngestReason.UnknownExtension => "an extension is not known"u8,
            IngestReason.LayoutLimit => "too many different layouts"u8,
            _ => default,
        };
}
