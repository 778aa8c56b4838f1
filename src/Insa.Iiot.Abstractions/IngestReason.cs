namespace Insa.Iiot;

/// <summary>Why a message was not taken. Adapters map it to their protocol's own code; metrics carry it as the tag <c>reason</c>.</summary>
public enum IngestReason
{
    /// <summary>No reason: the message was taken.</summary>
    None = 0,

    /// <summary>The tenant's lane is full; offer the message again after <see cref="ITelemetryIngress.WaitForCapacityAsync"/>.</summary>
    LaneFull,

    /// <summary>The host is stopping.</summary>
    Stopping,

    /// <summary>The tenant is suspended or gone.</summary>
    TenantInactive,

    /// <summary>The session may not publish for that device, or there is no such device; the two look alike.</summary>
    DeviceNotAllowed,

    /// <summary>An amount per period is used up.</summary>
    QuotaExceeded,

    /// <summary>Too many messages in too short a time.</summary>
    RateLimited,

    /// <summary>No decoder knows the content type.</summary>
    UnsupportedFormat,

    /// <summary>The payload does not follow its format.</summary>
    Malformed,

    /// <summary>The message holds no value.</summary>
    Empty,

    /// <summary>The message is larger than <see cref="TelemetryLimits.MaxMessageBytes"/>.</summary>
    MessageTooLarge,

    /// <summary>The payload is nested deeper than <see cref="TelemetryLimits.MaxDepth"/>.</summary>
    TooDeep,

    /// <summary>One frame has more than <see cref="TelemetryLimits.MaxMetricsPerFrame"/> metrics.</summary>
    TooManyMetrics,

    /// <summary>A metric name is longer than <see cref="TelemetryLimits.MaxNameBytes"/>.</summary>
    NameTooLong,

    /// <summary>A metric name is empty, is not UTF-8 or has control characters.</summary>
    NameInvalid,

    /// <summary>A metric stands twice in one frame.</summary>
    DuplicateMetric,

    /// <summary>A number is not a number, is infinite, or does not fit a double.</summary>
    NotFinite,

    /// <summary>A timestamp cannot be read.</summary>
    TimestampInvalid,

    /// <summary>A timestamp lies outside the window of <see cref="TelemetryLimits"/>.</summary>
    TimestampOutOfRange,

    /// <summary>The payload uses an extension that must be understood and is not (RFC 8428 §4.4).</summary>
    UnknownExtension,

    /// <summary>The tenant uses more layouts than <see cref="TelemetryLimits.MaxLayoutNodesPerTenant"/> allows.</summary>
    LayoutLimit,

    /// <summary>The store refuses this frame for good.</summary>
    Unstorable,
}
