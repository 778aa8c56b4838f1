using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>A device's message in platform JSON, of which the time alone changes.</summary>
internal sealed class SinkMessage
{
    private const int TimeDigits = 13;
    private const string Head = "{\"timestamp\":";

    private readonly byte[] _bytes;
    private long _milliseconds;

    public SinkMessage(int device, int points, long startMilliseconds)
    {
        _milliseconds = startMilliseconds;
        var values = Enumerable
            .Range(0, points)
            .Select(metric => string.Create(CultureInfo.InvariantCulture, $"\"m{metric}\":{(device % 100) + (metric * 0.25)}"));
        _bytes = Encoding.ASCII.GetBytes($"{Head}{new string('0', TimeDigits)},\"data\":{{{string.Join(',', values)}}}}}");
    }

    /// <summary>The next message, a millisecond later than the last.</summary>
    public ReadOnlySpan<byte> Next()
    {
        Utf8Formatter.TryFormat(++_milliseconds, _bytes.AsSpan(Head.Length), out _);
        return _bytes;
    }
}
