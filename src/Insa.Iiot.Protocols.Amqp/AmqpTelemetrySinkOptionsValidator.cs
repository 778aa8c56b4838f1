using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp;

internal sealed class AmqpTelemetrySinkOptionsValidator(IOptions<AmqpOptions> amqp) : IValidateOptions<AmqpTelemetrySinkOptions>
{
    private const int MaxPartitions = 64;

    public ValidateOptionsResult Validate(string? name, AmqpTelemetrySinkOptions options)
    {
        var errors = new List<string>();
        if (options.Partitions is < 1 or > MaxPartitions)
            errors.Add($"AmqpTelemetrySink has 1 to {MaxPartitions} Partitions, not {options.Partitions}.");
        if (options.MessageBytes is < 4096 or > 1024 * 1024)
            errors.Add($"AmqpTelemetrySink's MessageBytes is 4,096 to 1,048,576, not {options.MessageBytes}.");
        if (options.MaxFrameBytes < options.MessageBytes || options.MaxFrameBytes > 16 * 1024 * 1024)
            errors.Add($"AmqpTelemetrySink's MaxFrameBytes is MessageBytes to 16,777,216, not {options.MaxFrameBytes}.");
        if (options.EndToEndTimeout < TimeSpan.FromSeconds(1) || options.EndToEndTimeout > TimeSpan.FromMinutes(10))
            errors.Add($"AmqpTelemetrySink's EndToEndTimeout is 1 s to 10 min, not {options.EndToEndTimeout}.");
        if (amqp.Value.Uri is { UserInfo: "" } && options.UserId is null)
            errors.Add("AmqpTelemetrySink needs the UserId that the broker knows the certificate by.");
        if (amqp.Value.Frames is not null)
            errors.Add(
                "A host with AmqpTelemetrySink cannot consume Amqp:Frames too: it would write to the broker what it has from there."
            );
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
