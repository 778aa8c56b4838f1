using System.Buffers;
using System.Text;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>
/// Finds the <c>device_id</c> of platform JSON before it is decoded: of the object itself, or of the first of an array that has one. It reads no more than that; what
/// is no JSON the decoder refuses.
/// </summary>
internal static class PayloadDevice
{
    /// <param name="json">The message.</param>
    /// <param name="buffer">Takes the name: <see cref="DeviceId.MaxLength"/> characters.</param>
    /// <param name="length">The name's length.</param>
    /// <returns><see langword="false"/> if it has none, or one that is no device's.</returns>
    public static bool TryFind(ReadOnlySpan<byte> json, Span<char> buffer, out int length)
    {
        length = 0;
        var depth = 0;
        var objectDepth = 1;
        for (var i = 0; i < json.Length; i++)
        {
            switch (json[i])
            {
                case (byte)'[' or (byte)'{':
                    // The objects of an array lie one deeper.
                    if (depth == 0 && json[i] == '[')
                        objectDepth = 2;
                    depth++;
                    break;
                case (byte)']' or (byte)'}':
                    depth--;
                    break;
                case (byte)'"':
                    var text = TextAt(json, i);
                    i += text.Length + 1;
                    if (depth == objectDepth && text.SequenceEqual("device_id"u8) && TryReadValue(json, i + 1, out var name))
                        return Ascii.ToUtf16(name, buffer, out length) == OperationStatus.Done && length > 0;
                    break;
                default:
                    break;
            }
        }

        return false;
    }

    // From behind the opening quote to before the closing one, escapes as they are: no device's name has any.
    private static ReadOnlySpan<byte> TextAt(ReadOnlySpan<byte> json, int quote)
    {
        var end = quote + 1;
        while (end < json.Length && json[end] != '"')
            end += json[end] == '\\' ? 2 : 1;
        return json[(quote + 1)..Math.Min(end, json.Length)];
    }

    private static bool TryReadValue(ReadOnlySpan<byte> json, int index, out ReadOnlySpan<byte> name)
    {
        name = default;
        index = Skip(json, index);
        if (index >= json.Length || json[index] != ':')
            return false;
        index = Skip(json, index + 1);
        if (index >= json.Length || json[index] != '"')
            return false;
        name = TextAt(json, index);
        return true;
    }

    private static int Skip(ReadOnlySpan<byte> json, int index)
    {
        while (index < json.Length && json[index] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            index++;
        return index;
    }
}
