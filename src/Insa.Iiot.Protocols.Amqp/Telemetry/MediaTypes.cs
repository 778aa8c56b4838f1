using System.Text;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>Finds formats by the content type of a message. Of one channel, whose messages come one at a time.</summary>
internal sealed class MediaTypes(ITelemetryIngress ingress)
{
    private const int MaxKnown = 64;
    private const int MaxLength = 128;

    private readonly Dictionary<string, PayloadFormat?> _known = new(StringComparer.Ordinal);

    /// <param name="contentType">The property; <see langword="null"/> stands for platform JSON.</param>
    public PayloadFormat? Find(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType))
            return PayloadFormat.Json;
        if (_known.TryGetValue(contentType, out var format))
            return format;
        if (contentType.Length > MaxLength)
            return null;
        format = ingress.FindFormat(Encoding.UTF8.GetBytes(contentType));
        if (_known.Count < MaxKnown)
            _known.Add(contentType, format);
        return format;
    }
}
