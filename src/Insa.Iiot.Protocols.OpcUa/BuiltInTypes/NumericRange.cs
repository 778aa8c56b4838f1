using System.Globalization;

namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>Selects elements of arrays and pieces of strings (Part 4 §7.27): <c>2</c>, <c>1:3</c>, <c>0:1,2:4</c>.</summary>
internal readonly struct NumericRange
{
    private const int MaxDimensions = 8;

    // First and last index of each dimension, in pairs.
    private readonly int[]? _bounds;

    private NumericRange(int[] bounds) => _bounds = bounds;

    /// <summary>No range: the whole value.</summary>
    public bool IsNone => _bounds is null;

    private int Count => _bounds!.Length / 2;

    /// <summary>Reads a range; null or empty text is none.</summary>
    /// <returns><see langword="false"/> for BadIndexRangeInvalid.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out NumericRange range)
    {
        range = default;
        if (text.IsEmpty)
            return true;
        Span<Range> parts = stackalloc Range[MaxDimensions + 1];
        var count = text.Split(parts, ',');
        if (count > MaxDimensions)
            return false;
        var bounds = new int[count * 2];
        for (var i = 0; i < count; i++)
        {
            var part = text[parts[i]];
            var colon = part.IndexOf(':');
            var first = colon < 0 ? part : part[..colon];
            if (!TryParseIndex(first, out bounds[i * 2]))
                return false;
            bounds[i * 2 + 1] = bounds[i * 2];

            // The last index must be larger than the first: one index alone is written alone.
            if (colon >= 0 && (!TryParseIndex(part[(colon + 1)..], out bounds[i * 2 + 1]) || bounds[i * 2 + 1] <= bounds[i * 2]))
                return false;
        }

        range = new NumericRange(bounds);
        return true;
    }

    /// <summary>The selected part of a value. An end beyond the value's is its end.</summary>
    /// <returns>Good, or BadIndexRangeNoData when nothing is there.</returns>
    public StatusCode Apply(Variant value, out Variant part)
    {
        part = value;
        if (IsNone || value.IsNull)
            return StatusCodes.Good;
        part = value.IsArray ? OfArray(value) : OfScalar(value);
        return part.IsNull ? StatusCodes.BadIndexRangeNoData : StatusCodes.Good;
    }

    private static bool TryParseIndex(ReadOnlySpan<char> text, out int index) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out index);

    private Variant OfScalar(Variant value)
    {
        if (Count != 1)
            return default;
        return value.Reference switch
        {
            string text when value.Type == BuiltInType.String && TryClip(0, text.Length, out var first, out var count) => Variant.Of(
                text.Substring(first, count)
            ),
            byte[] bytes when TryClip(0, bytes.Length, out var first, out var count) => Variant.OfByteString(
                bytes.AsSpan(first, count).ToArray()
            ),
            _ => default,
        };
    }

    private Variant OfArray(Variant value)
    {
        if (value.Elements is not { } elements)
            return default;
        var dimensions = value.Dimensions ?? [elements.Length];
        if (Count == dimensions.Length)
            return Slice(value, elements, dimensions);

        // One more than the array has selects within its strings or byte strings.
        if (Count != dimensions.Length + 1)
            return default;
        var slice = Slice(value, elements, dimensions);
        switch (slice.Elements)
        {
            case string?[] texts:
                for (var i = 0; i < texts.Length; i++)
                    texts[i] = TryClip(Count - 1, texts[i]?.Length ?? 0, out var first, out var count)
                        ? texts[i]!.Substring(first, count)
                        : null;
                return texts.All(text => text is null) ? default : slice;
            case byte[]?[] strings:
                for (var i = 0; i < strings.Length; i++)
                    strings[i] = TryClip(Count - 1, strings[i]?.Length ?? 0, out var first, out var count)
                        ? strings[i]![first..(first + count)]
                        : null;
                return strings.All(bytes => bytes is null) ? default : slice;
            default:
                return default;
        }
    }

    private Variant Slice(Variant value, Array elements, int[] dimensions)
    {
        var firsts = new int[dimensions.Length];
        var counts = new int[dimensions.Length];
        var total = 1;
        for (var i = 0; i < dimensions.Length; i++)
        {
            if (!TryClip(i, dimensions[i], out firsts[i], out counts[i]))
                return default;
            total *= counts[i];
        }

        var slice = Array.CreateInstanceFromArrayType(elements.GetType(), total);
        var row = counts[^1];
        for (var done = 0; done < total; done += row)
        {
            // Where the row that is next in the slice begins in the whole.
            int from = 0,
                rest = done / row;
            for (int i = dimensions.Length - 2, stride = dimensions[^1]; i >= 0; stride *= dimensions[i], i--)
            {
                from += (firsts[i] + rest % counts[i]) * stride;
                rest /= counts[i];
            }

            Array.Copy(elements, from + firsts[^1], slice, done, row);
        }

        var part = Variant.OfArray(value.Type, slice);
        return dimensions.Length == 1 ? part : part.WithDimensions(counts);
    }

    private bool TryClip(int dimension, int length, out int first, out int count)
    {
        first = _bounds![dimension * 2];
        count = Math.Min(_bounds[dimension * 2 + 1], length - 1) - first + 1;
        return count > 0;
    }
}
