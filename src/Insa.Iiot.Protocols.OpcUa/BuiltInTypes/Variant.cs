using System.Collections;

namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>
/// A value of any built-in type, or an array of one (Part 6 §5.1.6). Numbers, times and status codes lie inline, so that making
/// one of them allocates nothing.
/// </summary>
internal readonly partial struct Variant : IEquatable<Variant>
{
    private readonly object? _reference;
    private readonly ulong _bits;

    private Variant(BuiltInType type, ulong bits)
    {
        Type = type;
        _bits = bits;
    }

    private Variant(BuiltInType type, object? reference, bool isArray = false)
    {
        Type = type;
        _reference = reference;
        IsArray = isArray;
    }

    /// <summary>The type of the value, or of each element.</summary>
    public BuiltInType Type { get; }

    public bool IsArray { get; }

    public bool IsNull => Type == BuiltInType.Null;

    /// <summary>The dimensions if there is more than one.</summary>
    public int[]? Dimensions => (_reference as Matrix)?.Dimensions;

    /// <summary>
    /// The elements: <c>bool[]</c>, <c>sbyte[]</c>, ... <c>double[]</c>, <c>string?[]</c> (also XML), <c>long[]</c> (UA ticks), <c>Guid[]</c>,
    /// <c>byte[]?[]</c>, <c>NodeId[]</c>, <c>ExpandedNodeId[]</c>, <c>StatusCode[]</c>, <c>QualifiedName[]</c>, <c>LocalizedText[]</c>,
    /// <c>ExtensionObject[]</c>, <c>DataValue[]</c>, <c>Variant[]</c>, <c>DiagnosticInfo[]</c>; null for a scalar and a null array.
    /// </summary>
    public Array? Elements => IsArray ? _reference as Array ?? (_reference as Matrix)?.Elements : null;

    /// <summary>The number of elements, 0 for a scalar.</summary>
    public int Length => Elements?.Length ?? 0;

    /// <summary>What a scalar that is not inline holds (string, <c>byte[]</c>, boxed <see cref="System.Guid"/>, <see cref="NodeId"/>, ...).</summary>
    public object? Reference => IsArray ? null : _reference;

    /// <summary>The eight bytes of a scalar that is inline; integers are sign-extended, floats are their own bits.</summary>
    public ulong Bits => _bits;

    public bool Boolean => _bits != 0;

    /// <summary>A signed integer of any size, or a time.</summary>
    public long Int64 => unchecked((long)_bits);

    /// <summary>An unsigned integer of any size.</summary>
    public ulong UInt64 => _bits;

    public float Float => BitConverter.UInt32BitsToSingle(unchecked((uint)_bits));

    public double Double => BitConverter.UInt64BitsToDouble(_bits);

    public StatusCode StatusCode => new(unchecked((uint)_bits));

    public string? Text => _reference as string;

    public bool IsInteger => Type is >= BuiltInType.SByte and <= BuiltInType.UInt64;

    public bool IsNumeric => Type is >= BuiltInType.SByte and <= BuiltInType.Double;

    /// <summary>A scalar number of any type as a double.</summary>
    public bool TryGetNumber(out double number)
    {
        number = Type switch
        {
            BuiltInType.Double => Double,
            BuiltInType.Float => Float,
            BuiltInType.SByte or BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64 => Int64,
            _ => _bits,
        };
        return IsNumeric && !IsArray;
    }

    /// <summary>A scalar integer of any type that a <see cref="long"/> can hold.</summary>
    public bool TryGetInteger(out long integer)
    {
        integer = Int64;
        return IsInteger && !IsArray && (Type != BuiltInType.UInt64 || integer >= 0);
    }

    /// <summary>A scalar of a type that is not inline, or an array.</summary>
    public bool TryGet<T>(out T value)
    {
        if ((IsArray ? Elements : _reference) is T found)
        {
            value = found;
            return true;
        }

        value = default!;
        return false;
    }

    public bool Equals(Variant other) =>
        Type == other.Type
        && IsArray == other.IsArray
        && _bits == other._bits
        && (ReferenceEquals(_reference, other._reference) || ReferencesEqual(_reference, other._reference));

    public override bool Equals(object? obj) => obj is Variant other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Type, IsArray, _bits, Length);

    public static bool operator ==(Variant left, Variant right) => left.Equals(right);

    public static bool operator !=(Variant left, Variant right) => !left.Equals(right);

    /// <summary>Names the type only: values are not for logs.</summary>
    public override string ToString() => IsArray ? Type + "[]" : Type.ToString();

    private static bool ReferencesEqual(object? left, object? right) =>
        (left, right) switch
        {
            (null, _) or (_, null) => false,
            (Matrix a, Matrix b) => a.Dimensions.AsSpan().SequenceEqual(b.Dimensions) && ReferencesEqual(a.Elements, b.Elements),
            (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
            (double[] a, double[] b) => BitsEqual(a, b),
            (float[] a, float[] b) => BitsEqual(a, b),
            (Array a, Array b) => StructuralComparisons.StructuralEqualityComparer.Equals(a, b),
            _ => left.Equals(right),
        };

    // A NaN equals itself here: a value that stays NaN does not change.
    private static bool BitsEqual(double[] left, double[] right)
    {
        if (left.Length != right.Length)
            return false;
        for (var i = 0; i < left.Length; i++)
        {
            if (BitConverter.DoubleToInt64Bits(left[i]) != BitConverter.DoubleToInt64Bits(right[i]))
                return false;
        }

        return true;
    }

    private static bool BitsEqual(float[] left, float[] right)
    {
        if (left.Length != right.Length)
            return false;
        for (var i = 0; i < left.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(left[i]) != BitConverter.SingleToInt32Bits(right[i]))
                return false;
        }

        return true;
    }
}
