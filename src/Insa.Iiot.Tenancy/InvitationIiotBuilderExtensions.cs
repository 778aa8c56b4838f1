using Insa.Iiot;
using Insa.Iiot.Tenancy;
using Insa.Iiot.Tenancy.Delivery;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what takes invitations to people.</summary>
public static class InvitationIiotBuilderExtensions
{
    /// <summary>Sends invitations by mail. The options are checked when the host starts.</summary>
    public static IiotBuilder AddSmtpInvitations(this IiotBuilder builder, Action<SmtpInvitationOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<SmtpInvitationOptions>, SmtpInvitationOptionsValidator>());
        services.AddOptionsWithValidateOnStart<SmtpInvitationOptions>().Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IInvitationSender, SmtpInvitationSender>());
        return builder;
    }

    /// <summary>
    /// Writes invitations, with the tokens that let people in, to standard output. For development: whoever reads the output can accept them.
    /// </summary>
    public static IiotBuilder AddConsoleInvitations(this IiotBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IInvitationSender, ConsoleInvitationSender>(_ => new ConsoleInvitationSender(Console.Out))
        );
        return builder;
    }
}
