namespace Insa.Iiot.Protocols.OpcUa;

/// <summary>What clients are told of a metric's numbers, for all devices of a tenant or of all tenants.</summary>
public sealed class OpcUaMetric
{
    /// <summary>The metric's name.</summary>
    public required string Name { get; set; }

    /// <summary>The tenant whose metric it is. Default <see langword="null"/>: that of every tenant which has none of its own.</summary>
    public TenantId? Tenant { get; set; }

    /// <summary>The unit's common code by UN/CEFACT Recommendation 20, such as <c>CEL</c>: 1 to 3 characters. Default <see langword="null"/>: not known.</summary>
    public string? UnitCode { get; set; }

    /// <summary>The unit as it is shown, such as <c>°C</c>. Default <see langword="null"/>: its code.</summary>
    public string? Unit { get; set; }

    /// <summary>The least value of normal operation. Default <see langword="null"/>: not known. Needs <see cref="High"/>; a percent deadband needs both.</summary>
    public double? Low { get; set; }

    /// <summary>The greatest value of normal operation, above <see cref="Low"/>. Default <see langword="null"/>: not known.</summary>
    public double? High { get; set; }
}
