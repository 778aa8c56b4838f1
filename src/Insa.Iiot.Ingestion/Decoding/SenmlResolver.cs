namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>Resolves SenML records (RFC 8428 §4.6) and puts neighbours of the same device and time into one frame.</summary>
/// <remarks>
/// A name is <c>device/metric</c> or <c>device:metric</c> if its first part is a device the session may publish for; else all of it is
/// a metric of the addressed device. A sum (<c>s</c>) is kept as the metric <c>NAME.sum</c>. Units are not stored, but tell values of one
/// name and time apart, as the longitude and latitude of RFC 8428 §5.1.3: the later ones are kept as <c>NAME.UNIT</c>.
/// </remarks>
internal ref struct SenmlResolver(TelemetryFrameWriter writer, ReadOnlySpan<byte> addressed, Span<byte> nameBuffer)
{
    public const int BufferBytes = NameBytes + DeviceId.MaxLength;
    private const int NameBytes = 264 + MaxUnitBytes;
    private const int MaxUnitBytes = 64;
    private const int MaxDevicesTried = 8;
    private const double SupportedVersion = 10;
    private const double RelativeTimeLimit = 1 << 28;

    private readonly ReadOnlySpan<byte> _addressed = addressed;
    private readonly Span<byte> _nameBuffer = nameBuffer;
    private ReadOnlySpan<byte> _baseName;
    private ReadOnlySpan<byte> _baseUnit;
    private ReadOnlySpan<byte> _frameDevice;
    private double _baseTime;
    private double _baseValue;
    private double _baseSum;
    private double _frameTime;
    private bool _frameIsOpen;
    private bool _any;

    public IngestReason Add(in SenmlRecord record)
    {
        if (record.Has(SenmlLabel.BaseVersion) && record.BaseVersion > SupportedVersion)
            return IngestReason.UnknownExtension;
        if (record.Has(SenmlLabel.BaseName))
            _baseName = record.BaseName;
        if (record.Has(SenmlLabel.BaseUnit))
            _baseUnit = record.BaseUnit;
        if (record.Has(SenmlLabel.BaseTime))
            _baseTime = record.BaseTime;
        if (record.Has(SenmlLabel.BaseValue))
            _baseValue = record.BaseValue;
        if (record.Has(SenmlLabel.BaseSum))
            _baseSum = record.BaseSum;

        var values =
            Count(record, SenmlLabel.Value)
            + Count(record, SenmlLabel.TextValue)
            + Count(record, SenmlLabel.BooleanValue)
            + Count(record, SenmlLabel.DataValue);
        var hasSum = record.Has(SenmlLabel.Sum);
        if (values > 1)
            return IngestReason.Malformed;
        if (values == 0 && !hasSum)
            return record.Has(SenmlLabel.Name) || record.Has(SenmlLabel.Time) ? IngestReason.Malformed : IngestReason.None;

        var length = _baseName.Length + record.Name.Length;
        if (length > TelemetryLimits.MaxNameBytes + DeviceId.MaxLength + 1)
            return IngestReason.NameTooLong;
        _baseName.CopyTo(_nameBuffer);
        record.Name.CopyTo(_nameBuffer[_baseName.Length..]);
        var name = _nameBuffer[..length];
        if (!IsValidName(name))
            return IngestReason.NameInvalid;

        var split = FindDevice(name);
        var metric = split < 0 ? name : name[(split + 1)..];
        var reason = OpenFrame(split < 0 ? default : name[..split], _baseTime + record.Time);
        if (reason == IngestReason.None && values == 1)
            reason = AddValue(record, metric);
        if (reason == IngestReason.None && hasSum)
        {
            ".sum"u8.CopyTo(_nameBuffer[length..]);
            reason = AddNumber(_nameBuffer[(length - metric.Length)..(length + 4)], _baseSum + record.Sum);
        }

        return reason;
    }

    public IngestReason End() => _any ? writer.EndFrame() : IngestReason.Empty;

    private static int Count(in SenmlRecord record, SenmlLabel label) => record.Has(label) ? 1 : 0;

    // RFC 8428 §4.5.1.
    private static bool IsValidName(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || !char.IsAsciiLetterOrDigit((char)name[0]))
            return false;
        foreach (var b in name)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'-' or (byte)':' or (byte)'.' or (byte)'/' or (byte)'_'))
                return false;
        }

        return true;
    }

    // A device id has no '/', so only the first one can end it.
    private readonly int FindDevice(ReadOnlySpan<byte> name)
    {
        var slash = name.IndexOf((byte)'/');
        if (slash >= 0)
            return slash > 0 && slash < name.Length - 1 && writer.IsAllowed(name[..slash]) ? slash : -1;
        var end = name.Length - 1;
        for (var tried = 0; tried < MaxDevicesTried && end > 0; tried++)
        {
            end = name[..end].LastIndexOf((byte)':');
            if (end > 0 && writer.IsAllowed(name[..end]))
                return end;
        }

        return -1;
    }

    private IngestReason OpenFrame(scoped ReadOnlySpan<byte> device, double time)
    {
        if (_frameIsOpen && time.Equals(_frameTime) && device.SequenceEqual(_frameDevice))
            return IngestReason.None;
        if (_frameIsOpen)
        {
            var ended = writer.EndFrame();
            if (ended != IngestReason.None)
                return ended;
        }

        device.CopyTo(_nameBuffer[NameBytes..]);
        _frameDevice = _nameBuffer.Slice(NameBytes, device.Length);
        _frameTime = time;
        _frameIsOpen = true;
        _any = true;
        return StartFrame();
    }

    private readonly IngestReason StartFrame()
    {
        var reason = writer.SetDevice(_frameDevice.IsEmpty ? _addressed : _frameDevice);
        if (reason != IngestReason.None || _frameTime == 0)
            return reason;
        // RFC 8428 §4.5.3: below 2^28 a time is relative to now.
        return writer.SetTimestamp(
            _frameTime < RelativeTimeLimit
                ? Timestamps.Relative(writer.ReceivedAtTicks, _frameTime)
                : Timestamps.FromUnix(_frameTime, 1_000_000)
        );
    }

    private IngestReason AddValue(in SenmlRecord record, scoped ReadOnlySpan<byte> metric)
    {
        var reason = Write(record, metric);
        if (reason == IngestReason.DuplicateMetric)
        {
            var unit = record.Has(SenmlLabel.Unit) ? record.Unit : _baseUnit;
            if (unit.IsEmpty || unit.Length >= MaxUnitBytes)
                return reason;
            Span<byte> qualified = stackalloc byte[NameBytes];
            metric.CopyTo(qualified);
            qualified[metric.Length] = (byte)'.';
            unit.CopyTo(qualified[(metric.Length + 1)..]);
            return Write(record, qualified[..(metric.Length + 1 + unit.Length)]);
        }

        if (reason != IngestReason.TooManyMetrics)
            return reason;
        reason = Split();
        return reason == IngestReason.None ? Write(record, metric) : reason;
    }

    private readonly IngestReason Write(in SenmlRecord record, scoped ReadOnlySpan<byte> metric)
    {
        if (record.Has(SenmlLabel.Value))
            return writer.AddDouble(metric, _baseValue + record.Value);
        return record.Has(SenmlLabel.BooleanValue) ? writer.AddBool(metric, record.Boolean) : writer.AddText(metric, record.Text);
    }

    private readonly IngestReason AddNumber(scoped ReadOnlySpan<byte> metric, double value)
    {
        var reason = writer.AddDouble(metric, value);
        if (reason != IngestReason.TooManyMetrics)
            return reason;
        reason = Split();
        return reason == IngestReason.None ? writer.AddDouble(metric, value) : reason;
    }

    private readonly IngestReason Split()
    {
        var reason = writer.EndFrame();
        return reason == IngestReason.None ? StartFrame() : reason;
    }
}
