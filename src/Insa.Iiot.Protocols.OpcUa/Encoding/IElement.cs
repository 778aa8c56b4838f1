namespace Insa.Iiot.Protocols.OpcUa.Encoding;

/// <summary>How one element of an array is read and written.</summary>
internal interface IElement<T>
{
    /// <summary>The fewest bytes an element can have: what bounds a length before anything is allocated for it.</summary>
    static abstract int MinimumBytes { get; }

    static abstract T Read(ref UaReader reader);

    static abstract void Write(ref UaWriter writer, T value);
}
