namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>The name of a metric and what is known of it besides, one object per name and tenant.</summary>
internal sealed class MetricName(string text, MetricDescription? description)
{
    private readonly byte[] _utf8 = System.Text.Encoding.UTF8.GetBytes(text);

    public string Text => text;

    public ReadOnlySpan<byte> Utf8 => _utf8;

    /// <summary>Its unit and range, if they are known.</summary>
    public MetricDescription? Description => description;
}
